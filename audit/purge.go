package audit

import (
	"errors"
	"fmt"
	"time"
)

// ErrRunOpen: a run is under way, and what it works on stays as it is.
var ErrRunOpen = errors.New("a run is under way")

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
