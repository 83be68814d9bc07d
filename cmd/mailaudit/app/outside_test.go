package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/webhook"
	"mailaudit/providers"
)

const outsideSecret = "outside-canary-31c9"

// peers are those outside who do not do as they should; each is an address, and is gone with the test.
func peers(t *testing.T) map[string]*httptest.Server {
	released := make(chan struct{})
	all := map[string]*httptest.Server{
		"hangs": httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-released:
			case <-r.Context().Done():
			}
		})),
		"streams for ever": httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat("more and more ", 1000)); err != nil {
					return
				}
			}
		})),
		"redirects": httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/inside", http.StatusTemporaryRedirect)
		})),
		"hangs up": httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })),
	}
	t.Cleanup(func() {
		close(released)
		for _, s := range all {
			s.CloseClientConnections()
			s.Close()
		}
	})
	return all
}

// A watcher that hangs, streams or redirects: the run begins without it, ends without it, and says so once.
func TestAWatcherHoldsUpNoRun(t *testing.T) {
	t.Parallel()
	for name, peer := range peers(t) {
		var said bytes.Buffer
		through := &http.Transport{}
		d := &deadMan{
			address: providers.NewSecret(peer.URL + "/" + outsideSecret), through: through, within: 300 * time.Millisecond,
			log: slog.New(slog.NewTextHandler(&said, nil)), begun: map[string]chan error{},
		}
		d.started(t.Context(), "first")
		if said.Len() > 0 {
			t.Errorf("%s: before the run has ended: %s", name, &said)
		}
		d.ended(t.Context(), "first", errors.New("something failed"))
		through.CloseIdleConnections()
		if lines := strings.Count(said.String(), "\n"); lines != 1 || !strings.Contains(said.String(), "was not told; its alarm may go off") {
			t.Errorf("%s: %d lines: %s", name, lines, &said)
		}
		if strings.Contains(said.String(), outsideSecret) {
			t.Errorf("%s: its address is told: %s", name, &said)
		}
	}
}

// A run does not wait for its watcher to hear that it has begun.
func TestARunBeginsBesideItsWatcher(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}, 2), make(chan struct{})
	var heard []string
	var mu sync.Mutex
	peer := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-release
		mu.Lock()
		heard = append(heard, r.URL.Path)
		mu.Unlock()
	}))
	defer peer.Close()
	through := &http.Transport{}
	defer through.CloseIdleConnections()
	d := &deadMan{address: providers.NewSecret(peer.URL + "/ping"), through: through, within: time.Minute, log: slog.New(slog.DiscardHandler), begun: map[string]chan error{}}
	d.started(t.Context(), "first")
	<-asked // the watcher has the signal and does not answer, and the run goes on
	close(release)
	d.ended(t.Context(), "first", nil)
	if strings.Join(heard, " ") != "/ping/start /ping" {
		t.Errorf("heard %q", heard)
	}
}

// A gateway that hangs, streams or redirects costs its time and one error without the address.
func TestAGatewayIsBounded(t *testing.T) {
	t.Parallel()
	for name, peer := range peers(t) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		through := &http.Transport{}
		err := NewMetrics().push(ctx, through, peer.URL+"/"+outsideSecret, "here")
		cancel()
		through.CloseIdleConnections()
		if err == nil || strings.Contains(err.Error(), outsideSecret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A product that hangs, streams or redirects when events are handed over is told of once, whatever number of events it
// does not take; and once more when it takes them again.
func TestAReceiverOfEventsIsToldOfOnce(t *testing.T) {
	t.Parallel()
	for name, peer := range peers(t) {
		var said bytes.Buffer
		kept := &keptEvents{}
		d := &Daemon{Worker: &Worker{App: &App{Setup: &Setup{Log: slog.New(slog.NewTextHandler(&said, nil)), Now: time.Now}, Parts: Parts{Store: kept}}}}
		through := &http.Transport{}
		to, err := webhook.New(webhook.Options{URL: peer.URL, Secrets: []providers.Secret{providers.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}, AllowPrivate: true, Through: through})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if name == "hangs" {
				time.AfterFunc(200*time.Millisecond, peer.CloseClientConnections) // in the place of the sender's own 15 s
			}
			if err := d.handOverOne(t.Context(), to, event(fmt.Sprint("e", i))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		through.CloseIdleConnections()
		if n := strings.Count(said.String(), "is not taken"); n != 1 || kept.queued != 3 {
			t.Errorf("%s: %d lines, %d queued again: %s", name, n, kept.queued, &said)
		}
		fine := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		if to, err = webhook.New(webhook.Options{URL: fine.URL, Secrets: []providers.Secret{providers.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}, AllowPrivate: true, Through: through}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := d.handOverOne(t.Context(), to, event("e9")); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		through.CloseIdleConnections()
		fine.Close()
		if n := strings.Count(said.String(), "taken again"); n != 1 || kept.sent != 2 {
			t.Errorf("%s: told %d times that events are taken again, %d sent", name, n, kept.sent)
		}
	}
}

func event(id string) audit.Event {
	return audit.Event{ID: id, Type: "account.failing", Data: "{}", TriedFrom: time.Now()}
}

// keptEvents is a store of events that knows how many were taken.
type keptEvents struct {
	Storage
	queued, sent int
}

func (k *keptEvents) ClaimEvent(context.Context, string, int, time.Time, time.Time) (bool, error) {
	return true, nil
}

func (k *keptEvents) EndTry(_ context.Context, e audit.Event) error {
	if e.State == audit.EventQueued {
		k.queued++
	} else {
		k.sent++
	}
	return nil
}
