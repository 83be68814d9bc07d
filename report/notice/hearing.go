package notice

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"mailaudit/providers"
)

// A refusal for good (5xx) may be about the recipient, or about us: a suspended account, a quota, a sender address that
// is not verified. Its words do not decide, since relays say "mailbox unavailable" of our own mailbox too. What decides
// is whom else the relay refuses, and whom it takes:
//
//   - the same refusal for recipients of three domains, or for the first three of a delivery, and no mail taken in
//     between, is about us, whatever its words and its code;
//   - a refusal after which the relay took another mail is about its recipient;
//   - until then it is on trial: the mail is tried once more behind the others. Where nothing else is there to compare
//     with, the words decide then, if a rule knows them.

const (
	oursOf = 3 // domains, or first recipients of a delivery, with the same refusal
	// deadAtMost is how many recipients delivery tries beside each other before it pauses where the words are known to
	// be about a recipient: a few contacts that are gone, first in the queue, must not keep the others waiting.
	deadAtMost = 10
	pauseFrom  = 5 * time.Minute // after which one mail is tried; doubled each time it meets the same
	pauseMost  = 4 * time.Hour
)

// hearing is what the relay has said to one process: the zero value is the beginning of a delivery.
type hearing struct {
	mu      sync.Mutex
	order   int                   // of what was said
	taken   int                   // when the relay last took a mail; 0: none yet
	refused map[string]int        // by recipient: when it was first refused
	same    map[string]*sameWords // by wording, since the relay last took a mail
	turned  int                   // sign-ins and sender addresses that were refused for good, in a row
	until   time.Time             // delivery pauses until then
	pauses  int                   // in a row
	why     error
}

// sameWords is one refusal, and who met it.
type sameWords struct {
	domains, recipients map[string]bool
}

// heard is what a refusal means so far.
type heard struct {
	ours     bool // it is about us
	met      int  // recipients that met the same
	believed bool // the relay took another mail since, so it is about the recipient
	again    bool // the recipient was refused before
}

// accepted notes that the relay took a mail: it bears us.
func (h *hearing) accepted(to string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.refused, strings.ToLower(to))
	h.order++
	h.taken = h.order
	h.same, h.turned, h.until, h.pauses, h.why = nil, 0, time.Time{}, 0, nil
}

// refuses notes a refusal for good of a recipient.
func (h *hearing) refuses(to string, said providers.Reply) heard {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.order++
	to = strings.ToLower(to)
	domain := to[strings.LastIndexByte(to, '@')+1:]
	if h.refused == nil {
		h.refused = map[string]int{}
	}
	first, again := h.refused[to]
	if !again {
		first = h.order
		h.refused[to] = first
	}
	if h.taken > first {
		return heard{believed: true, again: true}
	}
	if h.same == nil {
		h.same = map[string]*sameWords{}
	}
	words := said.Wording()
	s := h.same[words]
	if s == nil {
		s = &sameWords{domains: map[string]bool{}, recipients: map[string]bool{}}
		h.same[words] = s
	}
	s.domains[domain], s.recipients[to] = true, true
	beginning := h.taken == 0 && len(h.same) == 1
	return heard{
		ours:  len(s.domains) >= oursOf || beginning && len(s.recipients) >= oursOf,
		met:   len(s.recipients),
		again: again,
	}
}

// turnsAway notes that the relay refused our sign-in or our sender address for good, and reports whether it has done so
// often enough to leave it alone for a while: a relay may lock out who signs in on and on.
func (h *hearing) turnsAway() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turned++
	return h.turned >= oursOf
}

// pause has delivery rest: each time longer, until the relay takes a mail.
func (h *hearing) pause(now time.Time, why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.until, h.why = now.Add(min(pauseFrom<<min(h.pauses, 10), pauseMost)), why
	h.pauses++
}

// rest has delivery wait as long as the relay asks.
func (h *hearing) rest(now time.Time, wait time.Duration, why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if until := now.Add(wait); until.After(h.until) {
		h.until, h.why = until, why
	}
}

// paused is why no mail is handed over now; nil if one may be.
func (h *hearing) paused(now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !now.Before(h.until) {
		return nil
	}
	return h.why
}

// refusesUs is the relay's word on us, in the one line that operations get.
func refusesUs(out Outcome) *RelayError {
	return &RelayError{Stage: out.Stage, Err: fmt.Errorf("it refuses our mails whoever they are for; fix our account or sender address there, then run mailaudit deliver: %s", out.Detail)}
}

// asksToWait is the error while the relay wants to be left alone.
func asksToWait(out Outcome) *RelayError {
	return &RelayError{Stage: out.Stage, Err: errors.New("it asks us to wait: " + out.Detail)}
}
