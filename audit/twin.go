package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"mailaudit/providers"
)

// Several tenants may store the same mailbox. It is asked once a night: planning notes logins that it meets
// again, whoever comes first with a login and secret asks, and the others take over what the provider said.
// Each is judged with its own history, and none learns of the others.

const (
	twinFact   = "twin/"
	askerFact  = "asker/"
	answerFact = "answer/"
)

// twinLogin names a mailbox over all tenants.
func (a *Auditor) twinLogin(acc Account, t Target) string {
	return a.Fingerprints.Login(t.Endpoint.Host + "\n" + acc.Login())
}

// twins are the logins that planning met more than once.
type twins map[string]bool

// met knows the logins that planning has come by. It is one process's memory: twins that two processes planned
// are not seen as such, and the day's attempts bound them. Of each login it keeps 48 bits of a hash, 16 of them by
// the place: a million logins take about eight megabytes, a map of them would take forty. Two that look the same
// there cost a question to the store.
type met struct {
	seed   maphash.Seed
	logins [1 << 16][]uint32
}

func newMet() *met { return &met{seed: maphash.MakeSeed()} }

// before tells whether it has come by the login, and has from now on.
func (m *met) before(login string) bool {
	h := maphash.String(m.seed, login)
	place, rest := &m.logins[h>>48], uint32(h)
	if slices.Contains(*place, rest) {
		return true
	}
	*place = append(*place, rest)
	return false
}

func (a *Auditor) noteTwin(ctx context.Context, run Run, seen *met, acc Account, t Target) error {
	login := a.twinLogin(acc, t)
	if !seen.before(login) {
		return nil
	}
	_, err := a.Ledger.KeepFact(ctx, run.Key, twinFact+login, "")
	return err
}

// said is what an asker hands on to its twins.
type said struct {
	Reply  providers.Reply
	Fault  providers.Fault
	Detail string
	Stage  providers.Stage
	Sent   bool
	At     time.Time // when it was said; zero from an older program
}

func (s said) conversation(c candidate) providers.Conversation {
	return providers.Conversation{
		Endpoint: c.target.Endpoint, Reply: s.Reply, Fault: s.Fault, Detail: s.Detail, Stage: s.Stage, CredentialSent: s.Sent,
	}
}

// handOn is what a conversation held at a moment means to the twins, as text.
func handOn(conv providers.Conversation, at time.Time) (string, error) {
	text, err := json.Marshal(said{
		Reply: conv.Reply, Fault: conv.Fault, Detail: conv.Detail, Stage: conv.Stage, Sent: conv.CredentialSent, At: at,
	})
	return string(text), err
}

// answerOfTwin gives what the provider said to the account that asks for this login and secret tonight.
// asks tells that the account itself is to ask; neither means that the answer is still to come.
func (w *batchWork) answerOfTwin(ctx context.Context, c candidate) (s *said, asks bool, err error) {
	if !w.twins[c.key.Login] {
		return nil, true, nil
	}
	name := fmt.Sprintf("%s/%s/%d", c.key.Login, c.key.Secret, w.batch.Try)
	asker, err := w.Ledger.KeepFact(ctx, w.run.Key, askerFact+name, c.account.ID)
	if err != nil || asker == c.account.ID {
		return nil, true, err
	}
	facts, err := w.Ledger.Facts(ctx, w.run.Key, answerFact+name)
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
		if t != nil && t.RunKey == w.run.Key && t.Try >= w.batch.Try {
			return nil, true, nil
		}
		aside, err := asidesOf(ctx, w.Ledger, w.run.Key)
		return nil, aside.has(AsideResult, asker), err
	}
	s = new(said)
	if err := json.Unmarshal([]byte(facts[answerFact+name]), s); err != nil {
		return nil, false, &RowError{fmt.Errorf("answer of a twin of account %s: %w", c.account.ID, err)}
	}
	return s, false, nil
}

// tellTwins hands on what the provider said at a moment.
func (w *batchWork) tellTwins(ctx context.Context, c candidate, conv providers.Conversation, at time.Time) error {
	if !w.twins[c.key.Login] {
		return nil
	}
	text, err := handOn(conv, at)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s/%s/%d", c.key.Login, c.key.Secret, w.batch.Try)
	_, err = w.Ledger.KeepFact(ctx, w.run.Key, answerFact+name, text)
	return err
}

// runTwins keeps the twins of the run at work: planning has named them all before the first batch is asked.
type runTwins struct {
	mu     Lock
	runKey string
	logins twins
}

func (w *batchWork) loadTwins(ctx context.Context) (err error) {
	w.twins, err = w.known.of(ctx, w.Ledger, w.run)
	return err
}

func (k *runTwins) of(ctx context.Context, ledger Ledger, run Run) (twins, error) {
	if err := k.mu.Lock(ctx); err != nil {
		return nil, err
	}
	defer k.mu.Unlock()
	if k.runKey == run.Key {
		return k.logins, nil
	}
	facts, err := ledger.Facts(ctx, run.Key, twinFact)
	if err != nil {
		return nil, err
	}
	logins := make(twins, len(facts))
	for name := range facts {
		logins[name[len(twinFact):]] = true
	}
	if run.Phase != PhasePlanning {
		k.runKey, k.logins = run.Key, logins
	}
	return logins, nil
}
