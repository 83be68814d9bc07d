package notice

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"mailaudit/providers"
)

// How a relay says that we are too fast: 421, 452 4.5.3, or any 4xx that names a number of mails in a time, or a time to
// wait. It sets the pace of the mails that follow.

var (
	reRate = regexp.MustCompile(`(?i)\b(\d{1,6})\s*(?:e-?mails?|messages?|mails?|recipients?|connections?)?\s*(?:/|per|an?|each|every)\s*(second|sec|minute|min|hour|day)\b`)
	reAsks = regexp.MustCompile(`(?i)\b(?:in|after|for|wait|within)\s+(?:about\s+|at least\s+|another\s+)?(\d{1,6})\s*(seconds?|secs?|s|minutes?|mins?|m|hours?|h)\b`)
	// ofRate are the words of a limit that is ours, and not one recipient's.
	ofRate = regexp.MustCompile(`(?i)\b(?:rate|too many|too fast|too quickly|limit(?:ed|s)?|throttl\w*|quota|slow down|exceed\w*)\b`)
)

var units = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}

const (
	longestRest = time.Hour
	slowest     = 30 * time.Second // between mails: a caller waits for its turn
	firstGap    = time.Second
	calmMails   = 20 // taken in a row, after which the distance shrinks again
)

// rateAnswer is what a relay's answer says of our pace.
type rateAnswer struct {
	slower bool
	gap    time.Duration // between mails, if it names a rate
	wait   time.Duration // before the next try, if it names a time
	ours   bool          // the wait is for all mails, not for this recipient's
}

func readRate(r providers.Reply) (a rateAnswer) {
	if r.Code/100 != 4 {
		return a
	}
	limit := ofRate.MatchString(r.Text)
	a.slower = r.Code == 421 || r.Code == 452 && r.Enhanced == "4.5.3"
	if m := reRate.FindStringSubmatch(r.Text); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n > 0 {
			a.slower, a.gap, limit = true, unit(m[2])/time.Duration(n), true
		}
	}
	if m := reAsks.FindStringSubmatch(r.Text); m != nil {
		n, _ := strconv.Atoi(m[1]) //nolint:errcheck // the pattern holds digits alone
		a.wait = min(time.Duration(n)*unit(m[2]), longestRest)
	}
	a.slower = a.slower || limit
	a.ours = a.wait > 0 && a.slower
	return a
}

func unit(word string) time.Duration { return units[strings.ToLower(word)[0]] }

// learn sets the distance between mails by what the relay answered.
func (p *pace) learn(out Outcome) {
	a := readRate(out.Reply)
	switch {
	case a.slower:
		p.calm = 0
		p.every = min(max(2*p.every, a.gap, firstGap), slowest)
	case out.Result == Sent && p.every > p.asSet:
		if p.calm++; p.calm >= calmMails {
			p.calm, p.every = 0, max(p.every*3/4, p.asSet)
			if p.every < firstGap/2 {
				p.every = p.asSet
			}
		}
	}
}
