package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrRunOpen: a run is under way, and what it works on stays as it is.
var ErrRunOpen = errors.New("a run is under way")

// Forgetting takes away what is not to be kept any longer.
type Forgetting interface {
	// DiscardOld deletes what ended before t: runs with all that they noted, the steps of the history that no run
	// which stays needs, mails that are settled, decided holds, bounces and operators' actions. A call deletes
	// at most one run and limit rows of each kind. The last concluded run of the whole source stays whatever
	// its age, with all after it, for the next night is compared with it; so does a run whose hold is open or
	// whose mail has not left, which asks for the run, and a mail that a customer with an open finding was told last.
	DiscardOld(ctx context.Context, t time.Time, limit int) (Discarded, error)
	// TenantFrom returns the Seq of the first run that keeps something of the tenant; 0 if none does.
	TenantFrom(ctx context.Context, tenant string) (int64, error)
	// Purge takes a tenant out of everything that is kept, in one transaction. Where a number of an old report
	// counts it, a tombstone without name, mailbox, contact and reply takes its place, so that the numbers still
	// add up. What waits to be mailed is suppressed. ErrRunOpen while a run is open.
	Purge(ctx context.Context, p Purge) (Purged, error)
}

// Discarded is what one call of DiscardOld took away.
type Discarded struct {
	Run  string // the run's key; "" if no run went
	More bool   // there may be more
}

// Purge names a tenant and its tombstone.
type Purge struct {
	Tenant string
	// Tombstone stands in place of the tenant's id and begins those of its accounts. Later ones sort behind.
	Tombstone string
}

// Purged counts what was taken away.
type Purged struct{ Accounts, Notices int }

// tombstoneForm begins a tombstone's name; what follows is when.
const tombstoneForm = "purged-20060102T150405Z"

// NewTombstone names the tombstone of a purge at a moment.
func NewTombstone(at time.Time) string { return at.UTC().Format(tombstoneForm) }

// TombstoneTime is when the purge was; false for what is no tombstone's name.
func TombstoneTime(name string) (time.Time, bool) {
	at, err := time.Parse(tombstoneForm, name)
	return at, err == nil
}

// Accounts names the tombstones of the tenant's accounts. An account that another tenant has now, or had,
// keeps its id, for that is the other's too.
func (p Purge) Accounts(ids, shared []string) map[string]string {
	names := make(map[string]string, len(ids))
	for i, id := range ids {
		names[id] = fmt.Sprintf("%s-%06d", p.Tombstone, i+1)
	}
	for _, id := range shared {
		names[id] = id
	}
	return names
}

// Finding is a run's note on one of the tenant's accounts without what tells whose it is. The normal form of
// an unknown reply stays: it holds no name, and the run counts it.
func (p Purge) Finding(f Finding, account string) Finding {
	f.AccountID, f.TenantID = account, p.Tombstone
	f.TenantName, f.Address, f.Reply, f.Reason = "", "", "", ""
	return f
}

// PurgedDetail is the detail of a mail that a purge kept from leaving.
const PurgedDetail = "the tenant was purged"

const actPurge = "accounts purge"

// Forget takes a tenant out of everything that is kept and notes who had it done, and why.
func (a *Auditor) Forget(ctx context.Context, p Purge, who, why string) (Purged, error) {
	if strings.TrimSpace(p.Tenant) == "" || p.Tombstone == "" {
		return Purged{}, errors.New("purge: no tenant is named")
	}
	if err := a.act(ctx, who, actPurge, p.Tenant+" as "+p.Tombstone, why); err != nil {
		return Purged{}, err
	}
	return a.Ledger.Purge(ctx, p)
}

// expireRows is how many rows of a kind one step takes away.
const expireRows = 5_000

// DiscardOld takes away what is older than keep, step by step until patience is used up; the next night goes on
// from there. gone is called for every run that went.
func DiscardOld(ctx context.Context, store Forgetting, now time.Time, keep, patience time.Duration, gone func(key string)) error {
	end := time.Now().Add(patience)
	for {
		e, err := store.DiscardOld(ctx, now.Add(-keep), expireRows)
		if err != nil {
			return err
		}
		if e.Run != "" {
			gone(e.Run)
		}
		if !e.More || time.Now().After(end) {
			return nil
		}
	}
}
