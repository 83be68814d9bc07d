package notice

import (
	"testing"
	"time"

	"mailaudit/providers"
)

func TestReadRate(t *testing.T) {
	for wire, want := range map[string]rateAnswer{
		"421 4.3.2 going down":                                           {slower: true},
		"452 4.5.3 Too many recipients":                                  {slower: true},
		"450 4.7.1 Error: too much mail, 60 messages per minute allowed": {slower: true, gap: time.Second},
		"454 4.7.0 You may send 100 mails/hour":                          {slower: true, gap: 36 * time.Second},
		"450 4.7.1 Rate limit exceeded, try again in 10 minutes":         {slower: true, wait: 10 * time.Minute, ours: true},
		"421 4.7.0 Try again later, retry after 90 seconds":              {slower: true, wait: 90 * time.Second, ours: true},
		"451 4.7.1 Greylisted, come back in 300 seconds":                 {wait: 5 * time.Minute},
		"450 4.7.0 Too many messages, wait 99999 hours":                  {slower: true, wait: longestRest, ours: true},
		"450 4.2.0 mailbox busy":                                         {},
		"451 4.3.0 Queue file write error at 10.0.0.4":                   {},
		"550 5.7.1 daily limit of 100 messages per day exceeded":         {},
		"250 2.0.0 queued as 10 in 20 minutes":                           {},
		"450 4.7.1 0 messages per hour":                                  {},
	} {
		if got := readRate(providers.ParseReply(providers.StageMail, wire)); got != want {
			t.Errorf("%s: %+v, want %+v", wire, got, want)
		}
	}
}

// The distance between mails doubles at each answer of that kind, and shrinks to the operator's while mails are taken.
func TestThePaceIsLearned(t *testing.T) {
	for _, perSecond := range []float64{0, 10} {
		p := newPace(perSecond)
		asSet := p.every
		limit := Outcome{Result: Retry, Reply: providers.ParseReply(providers.StageMail, "452 4.5.3 Too many recipients")}
		for i, want := range []time.Duration{firstGap, 2 * firstGap, 4 * firstGap, 8 * firstGap, 16 * firstGap, slowest, slowest} {
			if p.learn(limit); p.every != want {
				t.Errorf("%v a second, answer %d: a mail every %v, want %v", perSecond, i+1, p.every, want)
			}
		}
		mails := 0
		for ; p.every > asSet && mails < 10_000; mails++ {
			before := p.every
			if p.learn(Outcome{Result: Sent}); p.every > before || p.every < asSet {
				t.Fatalf("after %d mails every %v", mails, p.every)
			}
		}
		if p.every != asSet || mails < 3*calmMails {
			t.Errorf("after %d mails every %v, want %v", mails, p.every, asSet)
		}
	}
	p := newPace(0)
	p.learn(Outcome{Result: Retry, Reply: providers.ParseReply(providers.StageMail, "450 4.7.1 not more than 10 messages per minute")})
	if p.every != 6*time.Second {
		t.Errorf("a rate that is named: every %v", p.every)
	}
}
