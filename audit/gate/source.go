package gate

import (
	"context"
	"time"

	"mailaudit/audit"
)

// Source is a source of accounts behind the gate: each as [Account] reads it, and an id that stands several times as one
// account, which tells so.
type Source struct {
	audit.Accounts
	Now func() time.Time
}

// ahead is the doubt of a time that has not come.
var ahead = audit.Flaw{Column: "last_sent_ok_at", What: "lies ahead of the clock, and proves nothing"}

func (s Source) pass(a audit.Account) audit.Account {
	a = Account(a)
	contact, name := Contact(a.ContactEmail)
	a.ContactEmail = contact
	if a.ContactName == "" {
		a.ContactName = name
	}
	if Ahead(a.LastSentOKAt, s.Now()) {
		a.LastSentOKAt, a.Doubt = time.Time{}, ahead
	}
	return a
}

// repeated is the flaw of an id that several rows bear: nobody can say which of them is meant.
var repeated = audit.Flaw{Column: "account_id", What: "stands more than once; it must be unique"}

// Unnamed is a source that can count its rows without an id, which no page shows.
type Unnamed interface {
	WithoutID(ctx context.Context) (int, error)
}

// WithoutID counts the rows that have no id; 0 where the source cannot have any.
func (s Source) WithoutID(ctx context.Context) (int, error) {
	if from, ok := s.Accounts.(Unnamed); ok {
		return from.WithoutID(ctx)
	}
	return 0, nil
}

// Hiding is a source that knows what may hide its rows from us.
type Hiding interface {
	// HiddenBy names the tables behind the source whose row level security may hide rows; "" if there are none.
	HiddenBy(ctx context.Context) (string, error)
}

// HidingFix is what an operator does about it.
const HidingFix = "give the role (behind a view: the view's owner) a policy FOR SELECT on these tables"

// HiddenBy implements [Hiding].
func (s Source) HiddenBy(ctx context.Context) (string, error) {
	if from, ok := s.Accounts.(Hiding); ok {
		return from.HiddenBy(ctx)
	}
	return "", nil
}

// Costing is a source that knows what reading it costs its database.
type Costing interface {
	// Costs names, in words for operators, statements of a night that no index serves; none where all are served.
	Costs(ctx context.Context) ([]string, error)
}

// CostsFix is what an operator does about them.
const CostsFix = "hand out account_id in the column's own type (uuid or bigint, without ::text) and see that it has a unique index; " +
	"where the view must cast it, CREATE UNIQUE INDEX ON table ((id::text)); then ANALYZE the table"

// Costs implements [Costing].
func (s Source) Costs(ctx context.Context) ([]string, error) {
	if from, ok := s.Accounts.(Costing); ok {
		return from.Costs(ctx)
	}
	return nil, nil
}

func (s Source) AccountsAfter(ctx context.Context, after string, limit int, tenant string) ([]audit.Account, error) {
	page, err := s.Accounts.AccountsAfter(ctx, after, limit, tenant)
	for i := range page {
		page[i] = s.pass(page[i])
		// A page goes by the order of ids; all its rows stay, for whoever reads pages counts them.
		if i > 0 && page[i].ID == page[i-1].ID {
			page[i-1].Flaw, page[i].Flaw = repeated, repeated
		}
	}
	return page, err
}

func (s Source) AccountsByID(ctx context.Context, ids []string) ([]audit.Account, error) {
	rows, err := s.Accounts.AccountsByID(ctx, ids)
	var all []audit.Account
	at := map[string]int{}
	for _, row := range rows {
		if i, again := at[row.ID]; again {
			all[i].Flaw = repeated
			continue
		}
		at[row.ID] = len(all)
		all = append(all, s.pass(row))
	}
	return all, err
}
