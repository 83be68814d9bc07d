package app

import (
	"context"
	"sync"

	"mailaudit/audit"
	"mailaudit/audit/gate"
	"mailaudit/audit/persist"
	"mailaudit/audit/postgres"
	"mailaudit/cmd/mailaudit/config"
)

// lazyAccounts are the accounts of a relation that is not the program's own table. It is opened when it is first
// used; a failure is tried again at the next use.
type lazyAccounts struct {
	config *config.Config
	away   *persist.Outage // nil where the database is the program's own, which is written as well

	mu     sync.Mutex
	source *postgres.Source // nil until it is open
}

var _ audit.Accounts = (*lazyAccounts)(nil)

func (l *lazyAccounts) open(ctx context.Context) (*postgres.Source, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.source != nil {
		return l.source, nil
	}
	source, err := openAccounts(ctx, l.config)
	if err != nil {
		return nil, err
	}
	l.source = source
	return source, nil
}

func (l *lazyAccounts) AccountsAfter(ctx context.Context, after string, limit int, tenant string) ([]audit.Account, error) {
	return from(ctx, l, func(s *postgres.Source) ([]audit.Account, error) { return s.AccountsAfter(ctx, after, limit, tenant) })
}

func (l *lazyAccounts) AccountIDsAfter(ctx context.Context, after string, limit int, tenant string) ([]string, error) {
	return from(ctx, l, func(s *postgres.Source) ([]string, error) { return s.AccountIDsAfter(ctx, after, limit, tenant) })
}

func (l *lazyAccounts) AccountsByID(ctx context.Context, ids []string) ([]audit.Account, error) {
	return from(ctx, l, func(s *postgres.Source) ([]audit.Account, error) { return s.AccountsByID(ctx, ids) })
}

func (l *lazyAccounts) SealedSecrets(ctx context.Context, ids []string) (map[string][]byte, error) {
	return from(ctx, l, func(s *postgres.Source) (map[string][]byte, error) { return s.SealedSecrets(ctx, ids) })
}

// from reads from the relation. A product may change its view under a process that stays up: where a statement no longer
// fits, the columns are read anew and it is tried once more.
func from[T any](ctx context.Context, l *lazyAccounts, read func(*postgres.Source) (T, error)) (T, error) {
	source, err := l.open(ctx)
	if err != nil {
		var none T
		return none, err
	}
	got, err := read(source)
	if err == nil {
		l.away.Works()
	}
	if !postgres.RelationChanged(err) {
		return got, err
	}
	if source, err = l.anew(ctx); err != nil {
		return got, err
	}
	return read(source)
}

// anew reads the relation's columns as they are now.
func (l *lazyAccounts) anew(ctx context.Context) (*postgres.Source, error) {
	source, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	if source, err = source.Anew(ctx); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.source = source
	return source, nil
}

// WithoutID counts the rows without an id.
func (l *lazyAccounts) WithoutID(ctx context.Context) (int, error) {
	source, err := l.open(ctx)
	if err != nil {
		return 0, err
	}
	return source.WithoutID(ctx)
}

// HiddenBy names the tables whose row level security may hide rows.
func (l *lazyAccounts) HiddenBy(ctx context.Context) (string, error) {
	source, err := l.open(ctx)
	if err != nil {
		return "", err
	}
	return source.HiddenBy(ctx)
}

// Costs names what reading the relation costs.
func (l *lazyAccounts) Costs(ctx context.Context) ([]string, error) {
	source, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	return source.Costs(ctx)
}

// Blame needs no open relation: that it cannot be opened is an error too.
func (l *lazyAccounts) Blame(err error) (audit.Blame, string) { return postgres.Blame(err) }

func (l *lazyAccounts) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.source != nil {
		l.source.Close()
	}
	return nil
}

// behind is the source behind the gate.
func behind(source audit.Accounts) audit.Accounts {
	if g, ok := source.(gate.Source); ok {
		return g.Accounts
	}
	return source
}

// SourceReady opens the accounts if they are not open yet.
func SourceReady(ctx context.Context, source audit.Accounts) error {
	if l, ok := behind(source).(*lazyAccounts); ok {
		_, err := l.open(ctx)
		return err
	}
	return nil
}

// SourceAnew has the columns of the accounts' relation read as they are now.
func SourceAnew(ctx context.Context, source audit.Accounts) error {
	if l, ok := behind(source).(*lazyAccounts); ok {
		_, err := l.anew(ctx)
		return err
	}
	return nil
}

// LiveSource shows runs as they are now: one that no process works on is incomplete, whatever a process
// that was killed has left in the store.
type LiveSource struct {
	Storage
	WorkedOn func(audit.Run) bool
}

func (s LiveSource) LoadRun(ctx context.Context, key string) (audit.Run, error) {
	r, err := s.Storage.LoadRun(ctx, key)
	return s.seen(r), err
}

func (s LiveSource) ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error) {
	runs, err := s.Storage.ListRuns(ctx, limit, openOnly)
	for i := range runs {
		runs[i] = s.seen(runs[i])
	}
	return runs, err
}

func (s LiveSource) seen(r audit.Run) audit.Run {
	if r.Status == audit.RunRunning && !s.WorkedOn(r) {
		r.Status = audit.RunIncomplete
	}
	return r
}

// WorkedOn reports whether a process works on the run.
func (a *App) WorkedOn(r audit.Run) bool { return a.Store.WorkedOn(r, a.Now()) }
