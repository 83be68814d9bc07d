package pace

import (
	"time"

	"mailaudit/providers"
)

// rememberedFor is how long what a provider bore tells something of what it bears. Limits like these are changed
// without notice; a schedule that leaves out a weekend and a holiday still remembers.
const rememberedFor = 5 * 24 * time.Hour

// Share is what this process may expect a provider to bear of it, after what each process of an earlier night
// found, that ended age ago. All processes share a provider's patience, so that what they found together is
// divided by how many they were, or by how many are at work tonight if those are more. Where they are fewer, the
// climb finds the rest.
func Share(found []providers.Capacity, age time.Duration, processes int) (share providers.Capacity) {
	if age > rememberedFor {
		return share
	}
	told := 0
	for _, b := range found {
		if b.AtOnce > 0 {
			told++
			share.AtOnce += b.AtOnce
			share.Refused = share.Refused || b.Refused
		}
	}
	share.AtOnce /= max(1, told, processes)
	return share
}

// Recall has the pacer begin with half of what it is to expect, for a provider may bear less tonight. From there
// it climbs as fast as on its first night, and beyond what was refused then as slowly as if it had never paused.
// What it has found itself counts for more. What follows is a night of its own for [Pacer.Borne].
func (p *Pacer) Recall(expected providers.Capacity) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shaken = false
	p.ceiling.recall(expected)
	p.grant()
}

// Capacity is what the provider was found to bear since the last Recall: nothing if it was down in between, or
// refused even one conversation at a time, for then the limit tells of that. What was recalled and not reached
// again is not passed on.
func (p *Pacer) Capacity() providers.Capacity {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shaken || p.breaker.open() || p.ceiling.gap > 0 {
		return providers.Capacity{}
	}
	return p.ceiling.capacity()
}

func (c *ceiling) recall(expected providers.Capacity) {
	known := min(expected.AtOnce, c.max)
	if c.found || c.limit >= known {
		return
	}
	c.limit = max(c.limit, known/2)
	if expected.Refused && known == expected.AtOnce { // a lower limit of the operator's is no refusal
		c.known = known
	}
}

func (c *ceiling) capacity() providers.Capacity {
	b := providers.Capacity{AtOnce: c.limit, Refused: c.found}
	if c.trying {
		b.AtOnce--
	}
	if b.AtOnce < 2 {
		return providers.Capacity{} // what every night begins with
	}
	return b
}
