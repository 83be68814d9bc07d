package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/providers"
	"mailaudit/providers/web"
	"mailaudit/report"
	"mailaudit/report/notice"
)

// guides reads the operator's own and those built in, as every mail does.
func (d *Doctor) guides() {
	settings, err := d.LetterSettings()
	if err != nil {
		d.fail("guides", err, "mend the file in notices.guides_dir; mailaudit guide PROVIDER shows how it reads")
		return
	}
	d.ok("guides", "every guide reads well")
	for _, p := range staleGuides(settings.Guides.Stale(guidesAge, d.Now())) {
		d.note("guides", "%s's has %s seen more than 180 days ago; mailaudit guide %s --stale 180d lists them", app.Title(p.name),
			report.Number(p.facts, "fact", "facts"), p.name)
	}
}

// guidesAge is how long a fact of a guide is taken for true: providers rebuild their pages about twice a year.
const guidesAge = 180 * 24 * time.Hour

type staleGuide struct {
	name  string
	facts int
}

func staleGuides(due []notice.Fact) []staleGuide {
	var out []staleGuide
	for _, f := range due {
		if n := len(out); n == 0 || out[n-1].name != f.Provider {
			out = append(out, staleGuide{name: f.Provider})
		}
		out[len(out)-1].facts++
	}
	return out
}

// rules tells which of the operator's own are in force. A fault in them is a configuration error, found before.
func (d *Doctor) rules() {
	if d.Config.RulesDir == "" {
		return
	}
	cat := d.Config.Rules()
	own := 0
	for _, r := range cat.Rules() {
		if r.File != "" {
			own++
		}
	}
	d.ok("rules_dir", "%s of your own are tried first, of %s; %s announced", report.Number(own, "rule", "rules"),
		report.Number(len(cat.Files()), "file", "files"), report.Number(len(cat.Changes()), "change is", "changes are"))
}

// folder writes a file and takes it away again.
func (d *Doctor) folder(key, dir string) {
	if dir == "" {
		return
	}
	if err := writable(dir); err != nil {
		d.fail(key, err, "make the folder, or give the user that runs mailaudit the right to write there; in a container, mount a volume")
		return
	}
	d.ok(key, "%s can be written", dir)
}

func writable(dir string) error {
	// report.dir is made where it is missing, so the nearest folder that is there decides.
	for {
		_, err := os.Stat(dir)
		if err == nil || !os.IsNotExist(err) || filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	f, err := os.CreateTemp(dir, ".mailaudit-doctor-*")
	if err != nil {
		return err
	}
	name := f.Name()
	if err := f.Close(); err != nil {
		return err
	}
	return os.Remove(name)
}

func (d *Doctor) textfile() {
	if name := d.Config.Metrics.Textfile; name != "" {
		d.folder("textfile", filepath.Dir(name))
	}
}

const slotsShown = 3

// schedule shows the next starts on the clock of time_zone, where a mistaken zone is seen at once.
func (d *Doctor) schedule() {
	s := d.Config.Schedule
	if s.Times == nil {
		d.note("schedule", "empty: serve starts no run; cron or a CronJob must start mailaudit run")
		return
	}
	var shown []string
	at := d.Now()
	for range slotsShown {
		next, ok := app.Slots{Schedule: s, Zone: d.Config.TimeZone}.Next(at)
		if !ok {
			break
		}
		at = next.At
		shown = append(shown, at.In(d.Config.TimeZone).Format("Mon 2006-01-02 15:04"))
	}
	d.ok("schedule", "serve starts at %s (%s)", strings.Join(shown, ", "), d.Config.TimeZone)
}

// watchers asks those outside whether they are there, and gives them no sign of a night.
func (d *Doctor) watchers(ctx context.Context) {
	if d.Config.DeadManURL.Empty() && d.Config.Metrics.Pushgateway.Empty() && d.Config.Metrics.Textfile == "" {
		d.note("watchers", "nobody is alerted to a missed run: set dead_man_url, or metrics.pushgateway with deploy/prometheus/alerts.yaml")
		return
	}
	d.watcher(ctx, "dead_man_url", d.Config.DeadManURL)
	d.watcher(ctx, "metrics.pushgateway", d.Config.Metrics.Pushgateway)
	d.ok("watchers", "%s", fmt.Sprintf("dead_man_url %s, pushgateway %s, textfile %s", setOrNot(!d.Config.DeadManURL.Empty()),
		setOrNot(!d.Config.Metrics.Pushgateway.Empty()), setOrNot(d.Config.Metrics.Textfile != "")))
}

// watcher asks for the root of the address's host: a ping's own path would tell of a night that was not.
func (d *Doctor) watcher(ctx context.Context, key string, address providers.Secret) {
	if address.Empty() {
		return
	}
	u, err := url.Parse(address.Reveal())
	if err != nil || u.Host == "" {
		d.fail("watchers", errors.New(key+" is not an address"), "set it to a whole URL, https://host/path")
		return
	}
	root := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}).String()
	ctx, cancel := context.WithTimeout(ctx, app.ClockTimeout)
	defer cancel()
	if err := answers(ctx, root); err != nil {
		d.fail("watchers", fmt.Errorf("%s: %s does not answer: %w", key, u.Hostname(), err),
			"check the address, and DNS, firewall (NetworkPolicy) and HTTPS_PROXY on the way; runs go on, and a missed one alerts nobody")
	}
}

// answers reports whether an HTTP server is at the address, whatever it says.
func answers(ctx context.Context, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return errors.New("not an address")
	}
	resp, err := web.Client(nil, 0, app.ClockTimeout).Do(req)
	if err != nil {
		return web.Cause(err)
	}
	resp.Body.Close()
	if resp.StatusCode == http.StatusBadGateway || resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusGatewayTimeout {
		return app.Unwelcome(resp.StatusCode)
	}
	return nil
}

func setOrNot(set bool) string {
	if set {
		return "set"
	}
	return "not set"
}
