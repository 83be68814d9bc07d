package pace

import (
	"testing"

	"pgregory.net/rapid"

	"mailaudit/providers"
)

// Whatever comes: the limit stays within 1 and the operator's, a refusal never raises it or shortens the
// gap, an answer never lowers it or lengthens the gap but after an outage, and a gap means one at a time.
func TestCeilingHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCeiling(rapid.IntRange(1, 100).Draw(t, "max"))
		c.recall(providers.Capacity{AtOnce: rapid.IntRange(0, 200).Draw(t, "remembered"), Refused: rapid.Bool().Draw(t, "refused then")})
		for range rapid.IntRange(1, 400).Draw(t, "steps") {
			limit, gap := c.limit, c.gap
			beside := rapid.IntRange(0, limit-1).Draw(t, "beside")
			if rapid.Bool().Draw(t, "refused") {
				c.refused(beside)
				if c.limit > limit || c.gap < gap {
					t.Fatalf("a refusal: %+v, was %d and %s", c, limit, gap)
				}
				if limit > 1 && beside > 0 && c.limit > beside {
					t.Fatalf("more than was borne: %+v beside %d", c, beside)
				}
			} else {
				c.answered(beside)
				if beside+1 < limit && c.limit != limit {
					t.Fatalf("raised untested: %+v, was %d beside %d", c, limit, beside)
				}
				if c.limit < limit || c.limit > limit+1 || c.gap > gap {
					t.Fatalf("an answer: %+v, was %d and %s", c, limit, gap)
				}
			}
			if c.limit < 1 || c.limit > c.max || c.gap < 0 || c.gap > maxGap || c.gap > 0 && c.limit != 1 {
				t.Fatalf("out of bounds: %+v", c)
			}
			if c.patience < minPatience || c.patience > maxPatience {
				t.Fatalf("patience: %+v", c)
			}
		}
	})
}

// A server of any capacity that serves in rounds is found, and hovered at for few refusals.
func TestCeilingFindsAnyCapacity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCeiling(rapid.IntRange(2, 200).Draw(t, "max"))
		capacity := rapid.IntRange(1, c.max).Draw(t, "capacity")
		refused, served, rounds := 0, 0, 3000
		for range rounds {
			inFlight := c.limit
			for over := c.limit - capacity; over > 0; over-- {
				inFlight--
				refused++
				c.refused(inFlight)
			}
			for n := inFlight; n > 0; n-- {
				served++
				c.answered(n - 1 + max(0, c.limit-inFlight))
			}
		}
		if used := float64(served) / float64(rounds*capacity); used < 0.9 {
			t.Fatalf("%.2f of %d used: %+v", used, capacity, c)
		}
		if refused > capacity/2+25 {
			t.Fatalf("%d refused by %d: %+v", refused, capacity, c)
		}
	})
}
