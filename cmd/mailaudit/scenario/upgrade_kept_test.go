package scenario

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/audit/postgres/pgtest"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/providers/sim"
)

// A kept installation is one as a released version left it in the middle of a night: its database, keys,
// configuration and accounts, and beside them what was true of the world around it. testdata/releases/README.md
// says how one is made.
const keptFolder = "testdata/releases"

// The files of a kept installation.
const (
	keptConfig     = "mailaudit.yaml"
	keptTruth      = "truth.json"
	keptSQLite     = "mailaudit.db.gz"
	keptPostgres   = "mailaudit.sql.gz"
	keptStatements = "statements.json.gz" // of PostgreSQL alone
)

// truth is what was so when the version was stopped, and what must become of it.
type truth struct {
	Commit string    `json:"commit"`
	Now    time.Time `json:"now"`
	Run    string    `json:"run"` // the unfinished one

	World    map[string]sim.Account `json:"world"`
	Grants   map[string]string      `json:"grants"`   // by refresh token, its login
	Attempts map[string]int         `json:"attempts"` // of the day, by login

	// Mailed are the mails that had left, and Hears those that each contact has from then on, in their order.
	Mailed map[string][]string `json:"mailed"`
	Hears  map[string][]string `json:"hears"`

	Fixes   []row                  `json:"fixes"`   // accounts whose customer has entered a password that works
	Turns   map[string]sim.Account `json:"turns"`   // what the providers hold from the next night on
	Revoked []string               `json:"revoked"` // accounts that are refused from then on with a secret that was accepted before

	Reports   map[string]keptReport `json:"reports"`   // by run
	Explained map[string]keptStory  `json:"explained"` // by account
	Holds     map[string]int        `json:"holds"`     // open ones by provider, with how many notices wait in them
	Released  map[string][]string   `json:"released"`  // by provider, whom a release of its hold mails
	Status    []string              `json:"status"`    // the view account_status, a text a row; PostgreSQL alone
	Notices   map[string]keptNotice `json:"notices"`   // by number
}

// keptReport is what a concluded run's report says for good.
type keptReport struct {
	Verdicts map[string]int `json:"verdicts"`
	Changes  [3]int         `json:"changes"` // new failures, recovered, still failing
}

// keptStory is what explain said of an account.
type keptStory struct {
	Verdict    string      `json:"verdict"`
	ToldAt     string      `json:"told_at"`
	ToldNotice string      `json:"told_notice"`
	Nights     []keptNight `json:"nights"`
}

type keptNight struct {
	Run     string `json:"run"`
	Verdict string `json:"verdict"`
	Notice  string `json:"notice"`
}

type keptNotice struct {
	Kind  string `json:"kind"`
	State string `json:"state"`
}

// keptInstallations are all that there are for a kind of database: "sqlite" or "postgres".
func keptInstallations(t *testing.T, database string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(keptFolder, "*", database))
	if err != nil || len(all) == 0 {
		t.Fatalf("no kept installation on %s: %v", database, err)
	}
	return all
}

// kept is a kept installation at work again.
type kept struct {
	*scene
	truth
	folder  string
	cluster *pgtest.Cluster // nil on SQLite
	servers map[string]*sim.Server
}

// installKept puts a copy of a kept installation to work, among simulators that stand as they stood.
func installKept(t *testing.T, folder string) *kept {
	t.Helper()
	k := &kept{scene: newScene(t), folder: folder}
	k.need(json.Unmarshal(k.file(keptTruth), &k.truth))
	for _, name := range []string{"keyset.json", "fingerprint.json"} {
		k.need(os.WriteFile(k.path(name), k.file(name), 0o600))
	}
	k.text = strings.Replace(string(k.file(keptConfig)), "deliver_within: 10s", "deliver_within: 2m", 1) // a busy machine takes longer
	k.environment = map[string]string{}
	if filepath.Base(folder) == "postgres" {
		k.cluster = pgtest.Own(t)
		k.cluster.Exec(t, "postgres", string(k.unpacked(keptPostgres)))
	} else {
		k.need(os.WriteFile(k.path("mailaudit.db"), k.unpacked(keptSQLite), 0o600))
	}
	for login, account := range k.World {
		k.world.Set(login, account)
	}
	for token, login := range k.Grants {
		k.world.Grant(login, token)
	}
	k.surround()
	k.clock.Set(k.Now.Add(20 * time.Minute))
	return k
}

// surround starts the simulators and tells the configuration where they are.
func (k *kept) surround() {
	k.t.Helper()
	k.servers = k.playAll()
	database := "sqlite:" + k.path("mailaudit.db")
	if k.cluster != nil {
		database = k.cluster.URL("postgres", pgtest.Admin)
	}
	_, relayPort, _ := strings.Cut(k.relay.Addr(), ":")
	maps.Copy(k.environment, map[string]string{
		"TEST_FOLDER": k.dir, "TEST_DATABASE": database, "TEST_RELAY_PORT": relayPort,
		"TEST_RELAY_PASSWORD": sceneRelayPassword, "TEST_SLACK_TOKEN": sceneSlackToken, "TEST_SLACK_URL": k.slack.APIURL(),
		"TEST_OAUTH_SECRET": oauthSecret,
	})
	for host, place := range map[string]string{
		"GMAIL": "smtp.gmail.com:465", "MICROSOFT": "smtp.office365.com:587", "YAHOO": "smtp.mail.yahoo.com:465",
		"AOL": "smtp.aol.com:465", "APPLE": "smtp.mail.me.com:587", "ZOHO": "smtp.zoho.com:465",
		"FASTMAIL": "smtp.fastmail.com:465", "CLINIC": "mail.clinic.example:465",
		"GOOGLE_TOKENS": "oauth2.googleapis.com:443", "MICROSOFT_TOKENS": "login.microsoftonline.com:443", "YAHOO_TOKENS": "api.login.yahoo.com:443",
	} {
		if k.places[place] == "" {
			k.t.Fatalf("nobody plays %s", place)
		}
		k.environment["TEST_"+host] = k.places[place]
	}
}

// playAll plays every provider, by name.
func (s *scene) playAll() map[string]*sim.Server {
	s.t.Helper()
	servers := map[string]*sim.Server{}
	for _, persona := range []sim.Persona{sim.Google(), sim.Microsoft365(), sim.Yahoo(), sim.AOL(), sim.Apple(), sim.Zoho(), sim.Fastmail(), sim.Dovecot()} {
		servers[persona.Name] = s.play(persona, sim.Mood{})
	}
	s.playTokens("oauth2.googleapis.com", sim.RotateNever)
	s.playTokens("login.microsoftonline.com", sim.RotateKeeps)
	s.playTokens("api.login.yahoo.com", sim.RotateEnds)
	return servers
}

func (k *kept) file(name string) []byte {
	k.t.Helper()
	data, err := os.ReadFile(filepath.Join(k.folder, name))
	k.need(err)
	return data
}

func (k *kept) unpacked(name string) []byte {
	k.t.Helper()
	in, err := gzip.NewReader(bytes.NewReader(k.file(name)))
	k.need(err)
	data, err := io.ReadAll(in)
	k.need(err)
	return data
}

// packedUp compresses; equal bytes stay equal.
func packedUp(data []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err)
	}
	return out.Bytes()
}

// mailsTo gives the kinds of the mails that each contact has had, in their order.
func (s *scene) mailsTo() map[string][]string {
	s.t.Helper()
	return s.mailsBy(s.notices("--limit", "100000"))
}

// mailsBy is [scene.mailsTo] by what the program says of its notices: the mails bear their numbers.
func (s *scene) mailsBy(notices []noticeRow) map[string][]string {
	s.t.Helper()
	kinds := map[string]string{}
	for _, n := range notices {
		kinds[n.Notice] = n.Kind
	}
	mails := map[string][]string{}
	for _, m := range s.relay.Messages() {
		number, _, _ := strings.Cut(strings.TrimPrefix(readLetter(s.t, m.Data).header.Get("Message-Id"), "<notice-"), ".")
		kind, known := kinds["M-"+number]
		if !known || len(m.To) != 1 {
			s.t.Errorf("a mail to %v is notice M-%s, which is unknown", m.To, number)
			continue
		}
		mails[m.To[0]] = append(mails[m.To[0]], kind)
	}
	return mails
}

// keptReports is what the report of each concluded run says.
func (s *scene) keptReports() map[string]keptReport {
	s.t.Helper()
	all := map[string]keptReport{}
	for _, key := range s.concluded() {
		r := s.report(key)
		for verdict, n := range r.Verdicts {
			if n == 0 {
				delete(r.Verdicts, verdict)
			}
		}
		all[key] = keptReport{r.Verdicts, [3]int{r.Changes.NewlyFailing, r.Changes.Recovered, r.Changes.StillFailing}}
	}
	return all
}

// concluded are the keys of the concluded runs.
func (s *scene) concluded() (keys []string) {
	s.t.Helper()
	s.inStore(func(ctx context.Context, store app.Storage) error {
		runs, err := store.ListRuns(ctx, 1000, false)
		for _, r := range runs {
			if r.Numbers != nil {
				keys = append(keys, r.Key)
			}
		}
		return err
	})
	return keys
}

// story is what explain says of an account.
func (s *scene) story(id string) (story keptStory) {
	s.t.Helper()
	s.need(json.Unmarshal([]byte(s.done("explain", id, "--format", "json")), &story))
	return story
}

func (s *scene) keptNotices() map[string]keptNotice {
	s.t.Helper()
	all := map[string]keptNotice{}
	for _, n := range s.notices("--limit", "100000") {
		all[n.Notice] = keptNotice{n.Kind, n.State}
	}
	return all
}

// openHolds counts the notices in each open hold, by provider, and names its run.
func (s *scene) openHolds() (notices map[string]int, runs map[string]string) {
	s.t.Helper()
	notices, runs = map[string]int{}, map[string]string{}
	s.inStore(func(ctx context.Context, store app.Storage) error {
		open, err := store.OpenHolds(ctx)
		for _, h := range open {
			notices[h.Provider], runs[h.Provider] = h.Notices, h.RunKey
		}
		return err
	})
	return notices, runs
}

// inStore reads the database as no command shows it.
func (s *scene) inStore(look func(context.Context, app.Storage) error) {
	s.t.Helper()
	c, err := config.Load(s.path("mailaudit.yaml"), variables(s.environment))
	s.need(err)
	store, err := app.OpenStore(s.t.Context(), c, app.Existing, (&app.Globals{LogLevel: "error"}).Logger(&s.said))
	s.need(err)
	defer store.Close()
	s.need(look(s.t.Context(), store))
}

// decide ends a provider's open hold.
func (k *kept) decide(how, provider string, more ...string) {
	k.t.Helper()
	_, runs := k.openHolds()
	k.done(append([]string{"notices", how, "--run", runs[provider], "--provider", provider}, more...)...)
}

// accountStatus is the product's view, a text a row.
func (k *kept) accountStatus() []string {
	k.t.Helper()
	return k.cluster.Texts(k.t, "postgres", `SELECT concat_ws(' ', account_id, tenant_id, verdict, two_factor, since AT TIME ZONE 'UTC',
		notice_number, told_at AT TIME ZONE 'UTC') FROM mailaudit.account_status ORDER BY account_id COLLATE "C"`)
}

// sortedKeys are a map's, for messages.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
