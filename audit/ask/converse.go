package ask

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/providers"
)

// converseStore is what this file needs of the store. The contracts are in package audit.
type converseStore interface {
	Blame(err error) (b audit.Blame, code string)
}

// consider readies one account. It is not to be asked where it has its answer already; if asks is false and answer nil, the
// answer is still to come.
func (w *Round) consider(ctx context.Context, acc audit.Account) (c Candidate, answer *audit.Result, asks bool, err error) {
	c, reason := w.candidate(ctx, acc)
	if reason != "" {
		if reason == notOpened {
			w.trouble(ctx, audit.Trouble{What: "some stored secrets could not be opened", Fix: "give the keyset they were sealed with, or import these accounts again"})
		}
		if strings.HasPrefix(reason, destinationChanged) {
			w.trouble(ctx, audit.Trouble{
				What: "stored passwords now lead to another mail server than the one that accepted them, or to one that their provider does not own; they are not sent there",
				Fix:  "find out who changed the host or login of these accounts (the report gives both servers); if it is right, mailaudit accounts vouch ID --by WHO, or --host HOST for all that move there",
			})
		}
		r := w.Unverified(c, reason)
		return c, &r, false, nil
	}
	if st := c.before; !w.Held && !decide.SentSinceRefused(acc, st) && decide.LeftAlone(w.Policy, w.Run, st, c.fingerprint) {
		r := decide.CarriedOver(w.result(c), st.Settled)
		r.Judgement = w.attest(r.Judgement, c)
		return c, &r, false, nil
	}
	if said, err := w.dryAnswer(c); err != nil || said != nil {
		if err != nil {
			return c, nil, false, err
		}
		r := w.judged(ctx, c, said.Conversation(c))
		r.At = said.At
		return c, &r, false, nil
	}
	if r := w.byTraffic(c); r != nil {
		return c, r, false, nil
	}
	said, asks, err := w.answerOfDuplicate(ctx, c)
	if err != nil || said == nil {
		return c, nil, asks, err
	}
	admitted, err := w.Admit(ctx, c)
	if err != nil {
		return c, nil, false, err
	}
	if !admitted {
		r := w.unadmitted(c)
		return c, &r, false, nil
	}
	r := w.judged(ctx, c, said.Conversation(c))
	r.At = cmp.Or(said.At, w.Run.StartedAt) // it was said to the duplicate login, and when counts
	return c, &r, false, nil
}

// unasked sets an account aside whose attempt cannot be prepared, and gives its result.
func (w *Round) unasked(ctx context.Context, c Candidate, cause error) (audit.Result, error) {
	return w.Unverified(c, "our own fault: its attempt could not be prepared"), w.Aside.SetAside(ctx, w.Run, audit.AsideState, c.Account.ID, w.Ledger, cause)
}

// converse asks one account. It returns false if it was cut off before the credential left us.
func (w *Round) converse(ctx context.Context, c Candidate) (audit.Result, bool) {
	if ctx.Err() != nil {
		return audit.Result{}, false
	}
	if reason := w.clientRefused(c); reason != "" {
		w.returnAttempt(ctx, c)
		return w.Unverified(c, reason), true
	}
	leave, reason, err := w.enterHost(ctx, c, w.Run.Key)
	if err != nil {
		w.Log.Warn("account not asked", "account", c.Account.ID, "err", err)
		return audit.Result{}, false
	}
	if reason != "" {
		w.returnAttempt(ctx, c)
		return w.Unverified(c, reason), true
	}
	conv := w.Asker.Talk(ctx, c, w.Until.Add(startGrace))
	r := w.judged(ctx, c, conv)
	if err := leave(refusedSignIn(conv, r.Class)); err != nil {
		w.Log.Error("refusal not given back", "account", c.Account.ID, "err", err)
	}
	if conv.Fault == providers.FaultCancelled && !conv.CredentialSent {
		return audit.Result{}, false
	}
	if !conv.CredentialSent {
		w.returnAttempt(ctx, c)
	}
	if err := w.tellDuplicates(context.WithoutCancel(ctx), c, conv, r.At); err != nil {
		w.Log.Error("answer not handed on", "account", c.Account.ID, "err", err)
	}
	return r, true
}

// judged is the result that a conversation leads to.
func (w *Round) judged(ctx context.Context, c Candidate, conv providers.Conversation) audit.Result {
	r := w.result(c)
	reading := w.Asker.judge(&r, c, conv).reading
	if c.grant != nil {
		w.watchGrant(ctx, c, conv, reading)
	} else if conv.Fault == providers.FaultUnspoken {
		w.trouble(ctx, audit.Trouble{
			What: "mailaudit does not speak the sign-in mechanism of servers of " + c.Target.Provider.Title,
			Fix:  "mailaudit check " + c.Account.ID + " shows what the server offers; no customer is told anything of it",
		})
	} else if reading.Class == providers.ClientRefused && (conv.Fault == providers.FaultNone || conv.Fault == providers.FaultOurs) {
		w.trouble(ctx, audit.Trouble{
			What: c.Target.Provider.Title + " refuses our side whatever the account (" + reading.Rule + ")",
			Fix:  "check the address we leave by, network.ehlo and our OAuth client; mailaudit rules list tells what the rule stands for",
		})
	}
	w.logResult(r, reading, conv)
	return r
}

// Talk holds the conversation, if it can begin by startBy (zero: whenever).
func (a *Asker) Talk(ctx context.Context, c Candidate, startBy time.Time) providers.Conversation {
	attempt := providers.Attempt{
		Endpoint: c.Target.Endpoint, Mechanisms: c.Target.Provider.Mechanisms,
		Login: c.Account.Login(), Secret: providers.NewSecret(c.sent()), StartBy: startBy,
	}
	if c.grant != nil {
		return a.askByGrant(ctx, c, attempt)
	}
	return a.Converse(ctx, c.Target.Provider.Name, attempt)
}

type outcome struct {
	reading providers.Reading
	kind    providers.Kind
}

// judge reads the conversation, makes the verdict and puts both into r.
func (a *Asker) judge(r *audit.Result, c Candidate, conv providers.Conversation) outcome {
	reading := c.Target.Provider.Read(conv, c.Target.Foreign)
	kind := c.kind()
	r.Judgement = decide.Judge(decide.Case{
		Reading: reading, Kind: kind, Brand: c.Target.Brand, ForeignHost: c.Target.Foreign,
		AcceptedBefore: c.known,
	})
	r.Rule, r.Class = reading.Rule, reading.Class
	if decide.ContradictedByTraffic(c.Account, r.Judgement, reading.Class, a.Now()) {
		r.Judgement = audit.Judgement{Verdict: audit.Unverified, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous}
		r.Reason = audit.ReasonContradicted
	}
	r.Mechanism, r.Took = string(conv.Mechanism), conv.Took
	if conv.LocalAddr.IsValid() {
		r.LocalAddr = conv.LocalAddr.String()
	}
	if conv.Fault == providers.FaultNone {
		r.Reply = conv.Reply.Evidence()
		if reading.Class == providers.Unknown {
			r.Wording = conv.Reply.Wording()
			r.Reason = "a reply that no rule knows"
		}
	} else if r.Reason == "" {
		r.Reason = conv.Detail
	}
	if r.Verdict == audit.Unverified && r.Reason == "" {
		r.Reason = "the provider did not say: " + string(reading.Class)
	}
	r.Judgement = a.attest(r.Judgement, c)
	r.Retry = reading.MayPass || r.Verdict == audit.Unverified && reading.Passing()
	if c.grant != nil {
		c.grant.settle(r)
	}
	return outcome{reading, kind}
}

// logResult writes one line an account: no address, and no reply text above debug.
func (w *Round) logResult(r audit.Result, reading providers.Reading, conv providers.Conversation) {
	ctx := context.Background()
	w.Log.LogAttrs(ctx, slog.LevelInfo, "verified", slog.String("run", r.RunKey), slog.String("account", r.AccountID),
		slog.String("provider", r.Provider), slog.String("class", string(reading.Class)), slog.String("verdict", string(r.Verdict)),
		slog.String("stage", string(conv.Stage)), slog.Int64("ms", conv.Took.Milliseconds()))
	w.Log.LogAttrs(ctx, slog.LevelDebug, "reply", slog.String("account", r.AccountID), slog.String("rule", r.Rule),
		slog.String("reply", r.Reply), slog.String("fault", string(conv.Fault)))
}

const (
	// startGrace is how much longer an account that is already taken up may wait for the provider's turn.
	startGrace = 3 * time.Second
)

// AskSafely holds a conversation so that what breaks at one account, a bug met by a strange reply, ends
// neither the process nor the night: the next start would meet it again. The attempt stays used.
func (w *Round) AskSafely(ctx context.Context, c Candidate) (r audit.Result, ok bool) {
	defer func() {
		broke := recover()
		if broke == nil {
			return
		}
		// The value may hold anything, also what must not be logged; the stack tells where.
		w.Log.Error("conversation broke off", "account", c.Account.ID, "panic", fmt.Sprintf("%T", broke), "stack", string(debug.Stack()))
		w.trouble(ctx, audit.Trouble{What: "the check of an account broke off by a fault of the program", Fix: "send its log line to the maintainers; the account is unverified"})
		r, ok = w.Unverified(c, "our own fault: the check broke off"), true
	}()
	return w.converse(ctx, c)
}
