package pace

import "time"

const (
	// firstPatience is how many rounds (as many answers as conversations at once) pass without a refusal
	// before one more conversation is tried beyond a ceiling that was found. It doubles when the try is
	// refused and halves when it is not.
	firstPatience = 8
	maxPatience   = 256
	minPatience   = 2

	// The gap between starts, where even one conversation at a time is too much.
	firstGap    = 250 * time.Millisecond
	maxGap      = 5 * time.Minute
	gapPatience = 32
)

// ceiling finds how many conversations at once a provider bears, from answers and refusals alone. It
// climbs by half a round until the first refusal, takes what was borne beside it for the ceiling, stays
// there, and looks ever more rarely whether one more is borne now. So a server that bears 25 is held at
// 25 for a refusal now and then; halving and climbing again would leave a quarter of it unused. What another
// night found is where the climb begins and ends, see memory.go.
//
// Where one at a time is still refused the provider counts starts and not connections, or wants peace: then
// it is the time between starts that is found in the same way.
type ceiling struct {
	max   int
	limit int

	found    bool // a refusal has been met, tonight or in the night that is remembered
	known    int  // what was borne then, where the climb ends; 0: nothing is remembered
	credit   int  // answers towards the next step of the climb
	quiet    int  // answers since the last refusal or try
	patience int  // rounds of them before the next try
	trying   bool // limit is one beyond what is known to be borne

	gap         time.Duration // 0: none needed
	badGap      time.Duration // the longest that was refused
	gapBefore   time.Duration // when the refusals in a row began
	calm        int           // answers at this gap
	gapPatience int
	refusals    int // in a row
}

func newCeiling(max int) *ceiling {
	return &ceiling{max: max, limit: 1, patience: firstPatience, gapPatience: gapPatience}
}

// answered: a conversation came to an answer; beside is how many others are under way.
func (c *ceiling) answered(beside int) {
	if c.gap > 0 {
		c.quicken()
		return
	}
	c.refusals = 0
	if beside+1 < c.limit {
		return // the limit was not reached, so it was not tested
	}
	if !c.found {
		if c.credit++; c.credit >= 2 {
			c.credit = 0
			c.limit = min(c.limit+1, c.max)
			c.found = c.limit == c.known
		}
		return
	}
	if c.quiet++; c.quiet < c.patience*c.limit || c.limit == c.max {
		return
	}
	if c.trying {
		c.patience = max(c.patience/2, minPatience)
	}
	c.quiet, c.trying = 0, true
	c.limit++
}

// refused: the provider would not bear a conversation; beside is how many others are under way.
func (c *ceiling) refused(beside int) {
	if c.refusals++; c.refusals == 1 {
		c.gapBefore = c.gap
	}
	c.found = true
	c.credit, c.quiet = 0, 0
	if c.trying {
		c.trying = false
		c.patience = min(c.patience*2, maxPatience)
	}
	if c.limit == 1 {
		c.slow()
		return
	}
	c.limit = max(1, min(c.limit, beside))
}

// slow lengthens the gap after a refusal.
func (c *ceiling) slow() {
	if c.gap > 0 && c.gap <= c.badGap*11/10 {
		c.gapPatience = min(c.gapPatience*2, 32*gapPatience) // going below what was refused was refused again
	}
	c.calm = 0
	c.badGap = c.gap
	c.gap = min(max(c.gap*2, firstGap), maxGap)
}

// quicken shortens the gap after answers, and waits long before it goes below one that was refused.
func (c *ceiling) quicken() {
	if c.refusals >= 3 {
		// That was no matter of pace: for a while nothing was borne at all. The gap that was right before
		// will be nearly right again.
		c.badGap = c.gapBefore
		c.gap = min(c.gap, max(c.gapBefore*2, firstGap))
	}
	c.refusals = 0
	next := c.gap * 3 / 4
	need := 4
	if next <= c.badGap*11/10 {
		need = c.gapPatience
	}
	if c.calm++; c.calm < need {
		return
	}
	c.calm = 0
	if c.gap = next; c.gap < firstGap/4 {
		c.gap = 0
	}
}
