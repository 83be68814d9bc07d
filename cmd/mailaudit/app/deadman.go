package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers"
	"mailaudit/providers/web"
)

const (
	deadManTimeout = 10 * time.Second
	deadManBody    = 64 << 10
)

// deadMan tells a watcher outside that a run has begun, has succeeded or has failed. The watcher raises the
// alarm when it hears nothing, so its own absence is logged and stops nothing. The zero value tells nobody.
type deadMan struct {
	address providers.Secret // the URL; whoever knows it can silence the alarm
	through http.RoundTripper
	log     *slog.Logger
}

// Watched does the work of a run under the eyes of those who look from outside.
func (s *Setup) Watched(ctx context.Context, key string, work func(begun func(key string)) error) error {
	// The name by which a failure is told that comes before the run's key is known.
	if key == "" {
		key = NightKey(s.Now(), s.Config.Window, s.Config.TimeZone)
	}
	d := deadMan{address: s.Config.DeadManURL, through: s.Env.transport(), log: s.Log}
	err := work(func(chosen string) {
		key = chosen
		d.started(ctx, key)
	})
	d.ended(ctx, key, err)
	return err
}

// started tells the watcher that the run has begun.
func (d deadMan) started(ctx context.Context, key string) { d.tell(ctx, "start", key) }

// ended goes by the command's own outcome: notices that wait for a person are no failure.
func (d deadMan) ended(ctx context.Context, key string, err error) {
	var coded *exit.Error
	if err == nil || errors.As(err, &coded) && coded.Code == exit.Held {
		d.tell(ctx, "", key)
		return
	}
	d.tell(ctx, "fail", key)
}

func (d deadMan) tell(ctx context.Context, what, key string) {
	if d.address.Empty() {
		return
	}
	// What ended the run must not keep its failure from being told.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadManTimeout)
	defer cancel()
	err := d.ask(ctx, what, key)
	var status Unwelcome
	if errors.As(err, &status) && status == http.StatusBadRequest {
		// Healthchecks takes no rid but a UUID; the signal matters more than its name.
		err = d.ask(ctx, what, "")
	}
	if err != nil {
		d.log.Warn("dead_man_url was not told; its alarm may go off", "run", key, "signal", what, "err", err)
	}
}

// Unwelcome is an HTTP status other than success.
type Unwelcome int

func (u Unwelcome) Error() string { return fmt.Sprintf("http %d", int(u)) }

func (d deadMan) ask(ctx context.Context, what, key string) error {
	u, err := url.Parse(d.address.Reveal())
	if err != nil {
		return errors.New("dead_man_url is not an address")
	}
	if what != "" {
		u.Path = strings.TrimRight(u.Path, "/") + "/" + what
		u.RawPath = ""
	}
	if key != "" {
		query := u.Query()
		query.Set("rid", key)
		u.RawQuery = query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return errors.New("dead_man_url is not an address")
	}
	resp, err := web.Client(d.through, deadManBody, deadManTimeout).Do(req)
	if err != nil {
		return web.Cause(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body) //nolint:errcheck // only so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return Unwelcome(resp.StatusCode)
	}
	return nil
}
