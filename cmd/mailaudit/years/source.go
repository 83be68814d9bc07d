package years

import (
	"context"
	"errors"
	"slices"

	"mailaudit/audit"
)

// source is the product's table as one process reads it.
type source struct {
	*Store
	w *World
}

// Source is where a process reads the accounts.
func (w *World) Source(p *Process) audit.Accounts { return source{w.Store(p), w} }

// Store is the database as a process sees it.
func (w *World) Store(p *Process) *Store { return &Store{p, w.store} }

var errSource = errors.New("read accounts: the view is being rebuilt")

func (s source) AccountsAfter(ctx context.Context, after string, limit int, tenant string) ([]audit.Account, error) {
	all, err := s.Store.AccountsAfter(ctx, after, limit, tenant)
	return s.moody(all, err)
}

func (s source) AccountIDsAfter(ctx context.Context, after string, limit int, tenant string) ([]string, error) {
	all, err := s.Store.AccountIDsAfter(ctx, after, limit, tenant)
	switch {
	case err != nil:
	case s.w.source.Mood == "away":
		return nil, errSource
	case s.w.source.Mood == "shrunk":
		all = slices.DeleteFunc(all, func(id string) bool { return slices.Contains(s.w.source.IDs, id) })
	case s.w.source.Mood == "repeats":
		for i := len(all) - 1; i >= 0; i-- {
			if slices.Contains(s.w.source.IDs, all[i]) {
				all = slices.Insert(all, i, all[i])
			}
		}
	}
	return all, err
}

func (s source) AccountsByID(ctx context.Context, ids []string) ([]audit.Account, error) {
	all, err := s.Store.AccountsByID(ctx, ids)
	return s.moody(all, err)
}

func (s source) SealedSecrets(ctx context.Context, ids []string) (map[string][]byte, error) {
	all, err := s.Store.SealedSecrets(ctx, ids)
	switch s.w.source.Mood {
	case "away":
		return nil, errSource
	case "shrunk":
		for _, id := range s.w.source.IDs {
			delete(all, id)
		}
	}
	return all, err
}

func (s source) moody(all []audit.Account, err error) ([]audit.Account, error) {
	switch {
	case err != nil:
	case s.w.source.Mood == "away":
		return nil, errSource
	case s.w.source.Mood == "shrunk":
		all = slices.DeleteFunc(all, func(a audit.Account) bool { return slices.Contains(s.w.source.IDs, a.ID) })
	case s.w.source.Mood == "repeats":
		for i := len(all) - 1; i >= 0; i-- {
			if slices.Contains(s.w.source.IDs, all[i].ID) {
				all = slices.Insert(all, i, all[i])
			}
		}
	}
	return all, err
}
