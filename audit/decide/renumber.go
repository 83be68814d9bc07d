package decide

import (
	"cmp"
	"slices"

	"mailaudit/audit"
)

// Mailboxes are accounts' ids by tenant, provider and mailbox.
type Mailboxes map[mailbox][]string

type mailbox struct{ tenant, provider, address string }

// Add notes an account's id.
func (m Mailboxes) Add(tenant, provider, address, id string) {
	key := mailbox{tenant, provider, audit.FoldAddress(address)}
	m[key] = append(m[key], id)
}

// Renumber pairs the accounts that have left the source with new ones of the same mailbox, by ascending new id. Where
// several have left, or several are new, nobody can say which is which, and none is paired.
func Renumber(gone, fresh Mailboxes) []audit.Renumbering {
	var moves []audit.Renumbering
	for key, ids := range fresh {
		if was := gone[key]; len(ids) == 1 && len(was) == 1 && key.address != "" {
			moves = append(moves, audit.Renumbering{New: ids[0], Former: was[0]})
		}
	}
	slices.SortFunc(moves, func(x, y audit.Renumbering) int { return cmp.Compare(x.New, y.New) })
	return moves
}
