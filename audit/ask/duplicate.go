package ask

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// duplicateStore is what this file needs of the store. The contracts are in package audit.
type duplicateStore interface {
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
	LoadStates(ctx context.Context, ids []string) (map[string]audit.State, error)
}

// Several tenants may store the same mailbox. It is asked once a night: planning notes mailboxes that it meets
// again, whoever comes first with an endpoint, a login and a secret as they are sent asks, and the others take over what
// the server said. What failed on the way is not handed on: who has the same settings meets it, or does not. Each is
// judged with its own history, and none learns of the others.

const (
	DuplicateFact = "twin/"
	askerFact     = "asker/"
	answerFact    = "answer/"
)

// duplicates are the mailboxes, by the name that attempts know them by, that planning met more than once.
type duplicates map[string]bool

// Logins knows the logins that planning has come by. It is one process's memory: duplicate logins that two processes planned
// are not seen as such, and the day's attempts bound them. Of each login it keeps 48 bits of a hash, 16 of them by
// the place: a million logins take about eight megabytes, a map of them would take forty. Two that look the same
// there cost a question to the store.
type Logins struct {
	seed   maphash.Seed
	logins [1 << 16][]uint32
}

// NewLogins returns an empty memory of logins.
func NewLogins() *Logins { return &Logins{seed: maphash.MakeSeed()} }

// before reports whether it has come by the login, and has from now on.
func (m *Logins) before(login string) bool {
	h := maphash.String(m.seed, login)
	place, rest := &m.logins[h>>48], uint32(h)
	if slices.Contains(*place, rest) {
		return true
	}
	*place = append(*place, rest)
	return false
}

// NoteDuplicate keeps with the run that several accounts share a login, if seen knows the login already.
func (a *Asker) NoteDuplicate(ctx context.Context, run audit.Run, seen *Logins, acc audit.Account, t Target) error {
	login := a.Fingerprints.Name("mailbox", a.mailbox(acc, t))
	if !seen.before(login) {
		return nil
	}
	_, err := a.Ledger.KeepFact(ctx, run.Key, DuplicateFact+login, "")
	return err
}

// Said is what an asker hands on to its duplicate logins.
type Said struct {
	Reply  providers.Reply
	Fault  providers.Fault
	Detail string
	Stage  providers.Stage
	Sent   bool
	At     time.Time // when it was said; zero from an older program
}

func (s Said) Conversation(c Candidate) providers.Conversation {
	return providers.Conversation{
		Endpoint: c.Target.Endpoint, Reply: s.Reply, Fault: s.Fault, Detail: s.Detail, Stage: s.Stage, CredentialSent: s.Sent,
	}
}

// HandsOn reports whether a conversation came to an answer that duplicate logins may take over.
func HandsOn(conv providers.Conversation) bool { return conv.Fault == providers.FaultNone }

// HandOn is what a conversation held at a moment means to the duplicate logins, as text.
func HandOn(conv providers.Conversation, at time.Time) (string, error) {
	text, err := json.Marshal(Said{
		Reply: conv.Reply, Fault: conv.Fault, Detail: conv.Detail, Stage: conv.Stage, Sent: conv.CredentialSent, At: at,
	})
	return string(text), err
}

// answerOfDuplicate gives what the provider said to the account that asks for this login and secret tonight.
// asks tells that the account itself is to ask; neither means that the answer is still to come.
func (w *Round) answerOfDuplicate(ctx context.Context, c Candidate) (s *Said, asks bool, err error) {
	if !c.shared {
		return nil, true, nil
	}
	name := fmt.Sprintf("%s/%d", c.Answer, w.Batch.Try)
	asker, err := w.Ledger.KeepFact(ctx, w.Run.Key, askerFact+name, c.Account.ID)
	if err != nil || asker == c.Account.ID {
		return nil, true, err
	}
	facts, err := w.Ledger.Facts(ctx, w.Run.Key, answerFact+name)
	if err != nil {
		return nil, false, err
	}
	if facts[answerFact+name] == "" {
		states, err := w.Ledger.LoadStates(ctx, []string{asker})
		if err != nil {
			return nil, false, err
		}
		// An asker that came to its result without asking hands nothing on, nor does one whose result cannot be stored.
		t := states[asker].Tonight
		if t != nil && t.RunKey == w.Run.Key && t.Try >= w.Batch.Try {
			return nil, true, nil
		}
		aside, err := audit.AsidesOf(ctx, w.Ledger, w.Run.Key)
		return nil, aside.Has(audit.AsideResult, asker), err
	}
	s = new(Said)
	if err := json.Unmarshal([]byte(facts[answerFact+name]), s); err != nil {
		return nil, false, &audit.RowError{Err: fmt.Errorf("answer of a duplicate login of account %s: %w", c.Account.ID, err)}
	}
	return s, false, nil
}

// tellDuplicates hands on what the provider said at a moment.
func (w *Round) tellDuplicates(ctx context.Context, c Candidate, conv providers.Conversation, at time.Time) error {
	if !c.shared || !HandsOn(conv) {
		return nil
	}
	text, err := HandOn(conv, at)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s/%d", c.Answer, w.Batch.Try)
	return w.Heard.Write(ctx, "an answer for duplicate logins", func(ctx context.Context) error {
		_, err := w.Ledger.KeepFact(ctx, w.Run.Key, answerFact+name, text)
		return err
	})
}

// runDuplicates keeps the duplicate logins of the run at work: planning has named them all before the first batch is asked.
type runDuplicates struct {
	mu     audit.Lock
	runKey string
	logins duplicates
}

// LoadDuplicates reads which logins of the run several accounts share.
func (w *Round) LoadDuplicates(ctx context.Context) (err error) {
	w.duplicates, err = w.known.of(ctx, w.Ledger, w.Run)
	return err
}

func (k *runDuplicates) of(ctx context.Context, ledger Ledger, run audit.Run) (duplicates, error) {
	if err := k.mu.Lock(ctx); err != nil {
		return nil, err
	}
	defer k.mu.Unlock()
	if k.runKey == run.Key {
		return k.logins, nil
	}
	facts, err := ledger.Facts(ctx, run.Key, DuplicateFact)
	if err != nil {
		return nil, err
	}
	logins := make(duplicates, len(facts))
	for name := range facts {
		logins[name[len(DuplicateFact):]] = true
	}
	if run.Phase != audit.PhasePlanning {
		k.runKey, k.logins = run.Key, logins
	}
	return logins, nil
}
