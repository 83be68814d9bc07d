package decide

import (
	"cmp"
	"slices"

	"mailaudit/audit"
)

// Deal interleaves items by tenant, those first that first reports true of: round-robin, so that every tenant has one
// before any has a second. What is one tenant's stays in its order, and so do the tenants.
func Deal[T any](all []T, tenant func(T) string, first func(T) bool) []T {
	type line struct {
		tenant string
		first  bool
	}
	type dealt struct {
		item T
		line
		turn int
	}
	taken := map[line]int{}
	out := make([]dealt, len(all))
	for i, item := range all {
		of := line{tenant(item), first(item)}
		out[i] = dealt{item, of, taken[of]}
		taken[of]++
	}
	slices.SortStableFunc(out, func(x, y dealt) int {
		if x.first != y.first {
			if x.first {
				return -1
			}
			return 1
		}
		return cmp.Compare(x.turn, y.turn)
	})
	items := make([]T, len(all))
	for i, d := range out {
		items[i] = d.item
	}
	return items
}

// RefusalShare is how many of a host's refusals of a run one tenant may take: not the last one, which is for the others.
func RefusalShare(limit int) int { return max(1, limit-1) }

// TrustedSecret reports whether the secret that was asked last was accepted at some time.
func TrustedSecret(st audit.State) bool {
	return st.AcceptedFingerprint != "" && st.AcceptedFingerprint == st.Fingerprint
}

// What one tenant stores is his to choose: hosts that never answer, secrets that are wrong, mailboxes without number.
// So a ruling that speaks for many counts tenants, each with a bounded weight, beside accounts. Whatever one tenant
// stores moves it no further than one more customer would.

const (
	// tenantHits is how many of one tenant's accounts count together, at most. The tenant with the most counts as one.
	tenantHits = 2
	// tenantSize bounds how many accounts of one tenant count towards a provider's size.
	tenantSize = 50
)

// part is one tenant's share: hit of so many.
type part struct{ hit, of int }

func (p part) share() float64 {
	if p.of == 0 {
		return 0
	}
	return float64(p.hit) / float64(p.of)
}

// crowd is what many tenants come to.
type crowd struct {
	hits    int     // accounts, no tenant with more than tenantHits, and the one with most as one
	size    int     // accounts, failing or not, counted in the same way
	share   float64 // of the tenants: the mean of theirs
	tenants int
	alone   bool // a single tenant, and so hard hit that the ruling holds

	rest, restHard int // without the tenant with most: accounts as they are, and tenants that are hard hit
}

// weigh counts the tenants' parts. hard reports whether a tenant's own numbers would make the ruling.
func weigh(tenants map[string]audit.Count, of func(audit.Count) part, hard func(part) bool) crowd {
	var c crowd
	var most part
	total, heaviest, largest, hardHit := 0, 0, 0, 0
	isHard := func(p part) bool { return hard(p) || 2*p.hit > p.of }
	for _, count := range tenants {
		p := of(count)
		if p.of == 0 {
			continue
		}
		c.tenants++
		c.share += p.share()
		hits, size := min(p.hit, tenantHits), min(p.of, tenantHits)
		c.hits, heaviest = c.hits+hits, max(heaviest, hits)
		c.size, largest = c.size+size, max(largest, size)
		total += p.hit
		if p.hit > most.hit {
			most = p
		}
		if isHard(p) {
			hardHit++
		}
	}
	if c.tenants == 0 {
		return c
	}
	c.share /= float64(c.tenants)
	if c.tenants == 1 {
		return crowd{tenants: 1, alone: hard(most)}
	}
	c.hits -= max(heaviest-1, 0)
	c.size -= max(largest-1, 0)
	c.rest, c.restHard = total-most.hit, hardHit
	if isHard(most) {
		c.restHard--
	}
	return c
}

// others reports whether, the tenant with most left out, the others' accounts alone are more than normal and most of
// these tenants are hard hit: so a few large tenants show what many small ones would.
func (c crowd) others(normal int) bool {
	return c.rest > normal && 2*c.restHard > c.tenants-1
}

// sizeOf is a provider's size, no tenant with more than tenantSize accounts; that of a single tenant is his own.
func sizeOf(tenants map[string]audit.Count) (size int) {
	for _, c := range tenants {
		if len(tenants) == 1 {
			return c.Accounts
		}
		size += min(c.Accounts, tenantSize)
	}
	return size
}

// Together is how many of the tenants' accounts count where each tenant has a bounded weight, see [Rule].
func Together(ofTenants map[string]int) (hits int) {
	heaviest := 0
	for _, n := range ofTenants {
		n = min(n, tenantHits)
		hits, heaviest = hits+n, max(heaviest, n)
	}
	return hits - max(heaviest-1, 0)
}
