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
	"sync"
	"time"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers"
	"mailaudit/providers/web"
)

const (
	deadManTimeout = 10 * time.Second
	deadManBody    = 64 << 10
)

// deadMan tells a watcher outside that a run has begun, has succeeded or has failed. The watcher raises the alarm when it
// hears nothing, so its own absence holds up nothing and is logged once a run, at its end. Without an address it tells nobody.
type deadMan struct {
	address providers.Secret // the URL; whoever knows it can silence the alarm
	through http.RoundTripper
	within  time.Duration // for each signal
	log     *slog.Logger

	mu    sync.Mutex
	begun map[string]chan error // by run: what came of the signal that it has begun
}

func (s *Setup) newDeadMan() *deadMan {
	return &deadMan{address: s.Config.DeadManURL, through: s.Env.transport(), within: deadManTimeout, log: s.Log, begun: map[string]chan error{}}
}

// Watched does the work of a run under the eyes of those who look from outside.
func (s *Setup) Watched(ctx context.Context, key string, work func(begun func(key string)) error) error {
	// The name by which a failure is told that comes before the run's key is known.
	if key == "" {
		key = NightKey(s.Now(), s.Config.Window, s.Config.TimeZone)
	}
	d := s.newDeadMan()
	err := work(func(chosen string) {
		key = chosen
		d.started(ctx, key)
	})
	d.ended(ctx, key, err)
	return err
}

// started tells the watcher that the run has begun, beside the run.
func (d *deadMan) started(ctx context.Context, key string) {
	if d.address.Empty() {
		return
	}
	told := make(chan error, 1)
	d.mu.Lock()
	d.begun[key] = told
	d.mu.Unlock()
	go func() { told <- d.tell(context.WithoutCancel(ctx), "start", key) }() // the caller's context may end with the start
}

// ended goes by the command's own outcome: notices that wait for a person are no failure.
func (d *deadMan) ended(ctx context.Context, key string, outcome error) {
	if d.address.Empty() {
		return
	}
	signal := "fail"
	var coded *exit.Error
	if outcome == nil || errors.As(outcome, &coded) && coded.Code == exit.Held {
		signal = ""
	}
	d.mu.Lock()
	told, found := d.begun[key]
	delete(d.begun, key)
	d.mu.Unlock()
	var begun error
	if found {
		begun = <-told // the end never arrives before the beginning
	}
	// What ended the run must not keep its failure from being told.
	switch err := d.tell(context.WithoutCancel(ctx), signal, key); {
	case err != nil:
		d.log.Warn("dead_man_url was not told; its alarm may go off", "run", key, "signal", signal, "err", err)
	case begun != nil:
		d.log.Warn("dead_man_url was not told that the run began, and knows how it ended", "run", key, "err", begun)
	}
}

func (d *deadMan) tell(ctx context.Context, what, key string) error {
	ctx, cancel := context.WithTimeout(ctx, d.within)
	defer cancel()
	err := d.ask(ctx, what, key)
	var status Unwelcome
	if errors.As(err, &status) && status == http.StatusBadRequest {
		// Healthchecks takes no rid but a UUID; the signal matters more than its name.
		err = d.ask(ctx, what, "")
	}
	return err
}

// Unwelcome is an HTTP status other than success.
type Unwelcome int

func (u Unwelcome) Error() string { return fmt.Sprintf("http %d", int(u)) }

func (d *deadMan) ask(ctx context.Context, what, key string) error {
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
	resp, err := web.Client(d.through, deadManBody, d.within).Do(req)
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
