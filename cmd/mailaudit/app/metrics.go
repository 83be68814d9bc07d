package app

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/providers/pace"
	"mailaudit/report/notice"
	"mailaudit/report/slack"
)

// Metrics are the program's metrics, deploy/README.md lists them. Each series is there from the start at zero,
// so that its first rise is a rise. What the database knows is read from it by refresh and is the same
// whoever asks; the counters are this process's own.
type Metrics struct {
	Registry *prometheus.Registry

	accounts, verified, chronic, coverage, verdicts, changes, held, void, unknown *prometheus.GaugeVec // by provider
	notices, waiting, status, stuck                                               *prometheus.GaugeVec

	reversed, toldReversed prometheus.Gauge
	byTraffic              prometheus.Gauge

	open, duration, running, late, oldest, lastStart, lastSuccess, unposted prometheus.Gauge

	conversations, attempts, throttles, silences *prometheus.CounterVec
	slackFailures, relayFailures                 prometheus.Counter
}

const metricsPrefix = "mailaudit_"

// NewMetrics makes every series, at zero.
func NewMetrics() *Metrics {
	m := &Metrics{Registry: prometheus.NewRegistry()}
	vec := func(name, help string, labels ...string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: metricsPrefix + name, Help: help}, labels)
		m.Registry.MustRegister(v)
		return v
	}
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: metricsPrefix + name, Help: help})
		m.Registry.MustRegister(g)
		return g
	}
	counters := func(name, help string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: metricsPrefix + name, Help: help}, []string{"provider"})
		m.Registry.MustRegister(v)
		return v
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: metricsPrefix + name, Help: help})
		m.Registry.MustRegister(c)
		return c
	}
	m.accounts = vec("run_accounts", "Accounts of the last concluded run of the whole source.", "provider")
	m.verified = vec("run_verified_accounts", "Accounts of that run with any verdict but unverified.", "provider")
	m.chronic = vec("run_chronic_accounts", "Accounts of that run without a response for 3 nights or more, which coverage leaves out.", "provider")
	m.coverage = vec("run_coverage_ratio", "Coverage of that run, 0 to 1: its verified accounts, of all but the chronic ones; 1 where there are none.", "provider")
	m.verdicts = vec("run_verdicts", "Accounts of that run by verdict.", "provider", "verdict")
	m.changes = vec("run_changes", "Accounts of that run by change: newly_failing, recovered, still_failing.", "provider", "change")
	m.held = vec("run_held", "1 where a guard holds the provider's notices of that run.", "provider")
	m.void = vec("run_void", "1 where that run's results for the provider are inconclusive.", "provider")
	m.unknown = vec("run_unknown_replies", "Accounts of that run that met an unrecognized reply.", "provider")
	m.open = gauge("run_open_findings", "Open findings after that run: failing in it, or before and unverified in it.")
	m.reversed = gauge("run_reversed", "Accounts of that run refused before and accepted in it with the same secret.")
	m.byTraffic = gauge("run_by_traffic", "Accounts of that run not asked because the product had sent mail by the same credential.")
	m.toldReversed = gauge("run_told_then_reversed", "Those of them whose customer had been notified.")
	m.duration = gauge("run_duration_seconds", "How long that run took.")
	m.notices = vec("run_notices", "Notices of the last concluded run by state.", "state")
	m.waiting = vec("notices_waiting", "Notices of all runs that are not sent yet: queued (scheduled) or held (awaiting approval).", "state")
	m.late = gauge("notices_late", "E-mails overdue by more than 24 hours, those that await a re-check aside.")
	m.oldest = gauge("queue_age_seconds", "Age of the e-mail that has been due longest.")
	m.status = vec("run_status", "1 for the status of the latest run.", "status")
	m.running = gauge("run_in_progress", "1 while a run is not concluded.")
	m.lastStart = gauge("last_start_timestamp_seconds", "When the latest run started.")
	m.lastSuccess = gauge("last_success_timestamp_seconds", "When a run was last concluded; 0 if never.")
	m.unposted = gauge("summaries_owed", "Runs that have concluded and whose summary is not posted.")
	m.stuck = vec("stuck_steps", "Steps that this process has seen fail ten times in a row with the same error, by step.", "step")
	m.conversations = counters("conversations_total", "Conversations with the provider by this process.")
	m.attempts = counters("attempts_total", "Conversations of this process in which a credential was sent.")
	m.throttles = counters("throttles_total", "Conversations of this process in which the provider asked to wait.")
	m.silences = counters("unanswered_total", "Conversations of this process without a response.")
	m.slackFailures = counter("slack_failures_total", "Posts of this process that Slack refused.")
	m.relayFailures = counter("relay_failures_total", "Times this process could not use the relay.")
	m.zero()
	return m
}

func (m *Metrics) zero() {
	for _, p := range catalog.All() {
		m.provider(p.Name, nil)
		for _, c := range []*prometheus.CounterVec{m.conversations, m.attempts, m.throttles, m.silences} {
			c.WithLabelValues(p.Name)
		}
		m.unknown.WithLabelValues(p.Name).Set(0)
	}
	for _, s := range audit.NoticeStates {
		m.notices.WithLabelValues(string(s)).Set(0)
	}
	for _, s := range []audit.NoticeState{audit.NoticeQueued, audit.NoticeHeld} {
		m.waiting.WithLabelValues(string(s)).Set(0)
	}
	for _, s := range []audit.RunStatus{audit.RunRunning, audit.RunConcluded, audit.RunIncomplete, audit.RunStopped} {
		m.status.WithLabelValues(string(s)).Set(0)
	}
	m.stuckSteps(nil)
}

// stuckSteps sets how many steps are stuck, by kind.
func (m *Metrics) stuckSteps(counts map[audit.TaskKind]int) {
	for _, kind := range steps {
		m.stuck.WithLabelValues(string(kind)).Set(float64(counts[kind]))
	}
}

// provider sets one provider's share of a run; nil is none.
func (m *Metrics) provider(name string, n *audit.ProviderNumbers) {
	if n == nil {
		n = &audit.ProviderNumbers{}
	}
	verified := n.Accounts - n.Verdicts[audit.Unverified]
	m.accounts.WithLabelValues(name).Set(float64(n.Accounts))
	m.verified.WithLabelValues(name).Set(float64(verified))
	m.chronic.WithLabelValues(name).Set(float64(n.Chronic))
	coverage := 1.0
	if n.Owed() > 0 {
		coverage = float64(verified) / float64(n.Owed())
	}
	m.coverage.WithLabelValues(name).Set(coverage)
	for _, v := range audit.Verdicts {
		m.verdicts.WithLabelValues(name, string(v)).Set(float64(n.Verdicts[v]))
	}
	m.changes.WithLabelValues(name, "newly_failing").Set(float64(n.Changes.NewlyFailing))
	m.changes.WithLabelValues(name, "recovered").Set(float64(n.Changes.Recovered))
	m.changes.WithLabelValues(name, "still_failing").Set(float64(n.Changes.StillFailing))
	m.held.WithLabelValues(name).Set(oneIf(n.Held))
	m.void.WithLabelValues(name).Set(oneIf(n.Void))
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// meterSource is what refresh reads.
type meterSource interface {
	ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error)
	CountNotices(ctx context.Context, key string) (map[audit.NoticeState]int, error)
	DueNotices(ctx context.Context, now time.Time, limit int) ([]audit.Notice, error)
	ListNotices(ctx context.Context, key string, state audit.NoticeState, limit int) ([]audit.Notice, error)
}

// countedAtMost bounds what is read only to be counted.
const countedAtMost = 1000

// refresh reads the database. live says whether mails leave at all.
func (m *Metrics) refresh(ctx context.Context, store meterSource, now time.Time, live bool) error {
	runs, err := store.ListRuns(ctx, RunsLookedAt, false)
	if err != nil {
		return err
	}
	m.ofRuns(runs)
	if i := LastConcluded(runs); i >= 0 {
		states, err := store.CountNotices(ctx, runs[i].Key)
		if err != nil {
			return err
		}
		for _, s := range audit.NoticeStates {
			m.notices.WithLabelValues(string(s)).Set(float64(states[s]))
		}
	}
	for _, s := range []audit.NoticeState{audit.NoticeQueued, audit.NoticeHeld} {
		waiting, err := store.ListNotices(ctx, "", s, countedAtMost)
		if err != nil {
			return err
		}
		m.waiting.WithLabelValues(string(s)).Set(float64(len(waiting)))
	}
	var due []audit.Notice
	if live {
		if due, err = store.DueNotices(ctx, now, countedAtMost); err != nil {
			return err
		}
	}
	late, age := 0, time.Duration(0)
	for _, n := range due {
		waited := now.Sub(n.ReadyAt())
		age = max(age, waited)
		if waited >= lateAfter {
			late++
		}
	}
	m.late.Set(float64(late))
	m.oldest.Set(age.Seconds())
	return nil
}

func (m *Metrics) ofRuns(runs []audit.Run) {
	owed := 0
	for _, r := range runs {
		if !r.Open() && r.PostedAt.IsZero() {
			owed++
		}
	}
	m.unposted.Set(float64(owed))
	if len(runs) == 0 {
		return
	}
	latest := runs[0]
	for _, s := range []audit.RunStatus{audit.RunRunning, audit.RunConcluded, audit.RunIncomplete, audit.RunStopped} {
		m.status.WithLabelValues(string(s)).Set(oneIf(latest.Status == s))
	}
	m.running.Set(oneIf(latest.Open()))
	m.lastStart.Set(float64(latest.StartedAt.Unix()))
	i := LastConcluded(runs)
	if i < 0 {
		return
	}
	last := runs[i]
	m.lastSuccess.Set(float64(last.FinishedAt.Unix()))
	m.duration.Set(last.FinishedAt.Sub(last.StartedAt).Seconds())
	m.open.Set(float64(last.Numbers.Open))
	m.reversed.Set(float64(last.Numbers.Quality.Reversed))
	m.byTraffic.Set(float64(last.Numbers.Quality.ByTraffic))
	m.toldReversed.Set(float64(last.Numbers.Quality.ToldThenReversed))
	unknown := map[string]int{}
	for _, u := range last.Numbers.Unknown {
		unknown[u.Provider] += u.Count
	}
	for _, p := range catalog.All() {
		m.provider(p.Name, last.Numbers.Providers[p.Name])
		m.unknown.WithLabelValues(p.Name).Set(float64(unknown[p.Name]))
	}
}

// LastConcluded is the newest run of the whole source that was concluded, -1 if none.
func LastConcluded(newestFirst []audit.Run) int {
	for i, r := range newestFirst {
		if r.Status == audit.RunConcluded && r.Numbers != nil && r.Scope.Whole() {
			return i
		}
	}
	return -1
}

// counting has every conversation counted.
func (m *Metrics) counting(ask func(context.Context, string, providers.Attempt) providers.Conversation) func(context.Context, string, providers.Attempt) providers.Conversation {
	return func(ctx context.Context, provider string, a providers.Attempt) providers.Conversation {
		conv := ask(ctx, provider, a)
		m.conversations.WithLabelValues(provider).Inc()
		if conv.CredentialSent {
			m.attempts.WithLabelValues(provider).Inc()
		}
		switch feedback(provider, conv).Outcome {
		case pace.Throttled:
			m.throttles.WithLabelValues(provider).Inc()
		case pace.Unreachable:
			m.silences.WithLabelValues(provider).Inc()
		}
		return conv
	}
}

// failed counts what kept a summary or a mail from going out, and gives err back.
func (m *Metrics) failed(err error) error {
	switch {
	case err == nil:
	case errors.As(err, new(*slack.Error)):
		m.slackFailures.Inc()
	case errors.As(err, new(*notice.RelayError)):
		m.relayFailures.Inc()
	}
	return err
}
