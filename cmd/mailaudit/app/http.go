package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mailaudit/cmd/mailaudit/exit"
)

const (
	// stalledAfter is longer than any turn of the loop takes, tries to start a run and to reach a watcher included.
	stalledAfter = 3 * time.Minute
	askedWithin  = 5 * time.Second // for an answer of the database
	closedWithin = time.Second     // for answers under way at the end
)

// startHTTP answers probes and scrapes at metrics.listen, if that is set. fail is told should that end by itself.
func (d *Daemon) startHTTP(ctx context.Context, fail context.CancelCauseFunc) (closeDoor func(), err error) {
	address := d.Config.Metrics.Listen
	if address == "" {
		return func() {}, nil
	}
	d.meters.Registry.MustRegister(BuildInfo())
	at, closeDoor, err := door{"metrics.listen", address, "metrics and probes", d.routes(ctx), 4 * askedWithin}.open(ctx, fail)
	if err != nil {
		return nil, err
	}
	d.Log.Info("metrics and probes are answered", "at", at.String())
	return closeDoor, nil
}

func (d *Daemon) routes(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, d.healthy(time.Now())) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { answer(w, d.ready(ctx, r.Context())) })
	metrics := promhttp.HandlerFor(d.meters.Registry, promhttp.HandlerOpts{})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		// Numbers that are not the database's own would look like a quiet night.
		if err := d.refreshed(r.Context()); err != nil {
			answer(w, err)
			return
		}
		metrics.ServeHTTP(w, r)
	})
	return mux
}

// answer says what is wrong: to probes, whose log an operator reads.
func answer(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	text := "ok"
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		text = exit.OneLine(err)
	}
	io.WriteString(w, text+"\n") //nolint:errcheck // whoever asked is gone
}

// healthy reports whether the loop comes by: a process that does not is to be started anew. It asks nothing
// outside, since what is away there does not come back by that.
func (d *Daemon) healthy(now time.Time) error {
	if silent := now.Sub(time.Unix(0, d.ticked.Load())); silent > stalledAfter {
		return fmt.Errorf("the loop has not come by for %v", silent.Round(time.Second))
	}
	return nil
}

// ready reports whether work gets done here: the database answers, and nobody has asked the process to end. Its
// tables were up to date before there was anything to ask.
func (d *Daemon) ready(process, asked context.Context) error {
	if process.Err() != nil {
		return errors.New("ending")
	}
	ctx, cancel := context.WithTimeout(asked, askedWithin)
	defer cancel()
	if _, err := d.Store.ListRuns(ctx, 1, true); err != nil {
		return errors.New("the database does not answer") // its error may name hosts and users
	}
	return nil
}

// refreshed has the metrics say what the database does.
func (d *Daemon) refreshed(asked context.Context) error {
	ctx, cancel := context.WithTimeout(asked, askedWithin)
	defer cancel()
	if err := d.measure(ctx); err != nil {
		d.Log.Error("metrics are not read", "err", err)
		return errors.New("the database does not answer")
	}
	return nil
}

// BuildInfo is 1, with what is built in its labels.
func BuildInfo() prometheus.Collector {
	v, c := BuildVersion()
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: metricsPrefix + "build_info", Help: "1 for the build that answers."},
		[]string{"version", "commit", "go"})
	g.WithLabelValues(v, c, runtime.Version()).Set(1)
	return g
}
