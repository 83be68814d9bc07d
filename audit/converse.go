package audit

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"mailaudit/providers"
)

// prepare opens the secrets of a few accounts and reserves their attempts. Those that cannot be asked come
// back as settled results.
func (w *batchWork) prepare(ctx context.Context, accounts []Account) (ready []candidate, settled []Result, err error) {
	day := w.Now().In(w.Policy.AttemptZone).Format(time.DateOnly)
	spare := w.spares(ctx, w.run, w.Ledger)
	for _, acc := range accounts {
		c, answer, asks := candidate{account: acc}, (*Result)(nil), false
		err := unbroken(func() (err error) {
			c, answer, asks, err = w.consider(ctx, acc)
			return err
		})
		switch {
		case err != nil && spare(err):
			r, err := w.unasked(ctx, candidate{account: acc, target: c.target}, err)
			if err != nil {
				return nil, nil, err
			}
			settled = append(settled, r)
		case err != nil:
			return nil, nil, err
		case answer != nil:
			settled = append(settled, *answer)
		case asks:
			c.day = day
			ready = append(ready, c)
		default:
			w.unanswered.Add(1) // its twin is being asked; the answer is there at the next turn
		}
	}
	var asked []candidate
	err = apart(ready, spare, func(some []candidate) error {
		keys := make([]AttemptKey, len(some))
		for i, c := range some {
			keys[i] = c.key
		}
		granted, err := w.Ledger.Reserve(ctx, day, keys, w.Policy.Attempts)
		if err != nil {
			return err
		}
		for i, c := range some {
			if granted[i] {
				asked = append(asked, c)
			} else {
				settled = append(settled, w.unverified(c, attemptsUsedUp))
			}
		}
		return nil
	}, func(c candidate, err error) error {
		r, err := w.unasked(ctx, c, err)
		settled = append(settled, r)
		return err
	})
	if err != nil {
		return nil, nil, errors.Join(err, w.giveBack(ctx, asked))
	}
	return asked, settled, nil
}

// consider readies one account. It is not to be asked where it has its answer already; neither asks nor an answer
// means that the answer is still to come.
func (w *batchWork) consider(ctx context.Context, acc Account) (c candidate, answer *Result, asks bool, err error) {
	c, reason := w.candidate(ctx, acc)
	if reason != "" {
		if reason == notOpened {
			w.trouble(ctx, Trouble{What: "some stored secrets could not be opened", Mend: "give the keyset they were sealed with, or import these accounts again"})
		}
		r := w.unverified(c, reason)
		return c, &r, false, nil
	}
	if st := w.states[acc.ID]; !w.held && !worksSince(acc, st) && w.Policy.leftAlone(w.run, st, c.print) {
		r := carry(w.result(c), st.Settled)
		return c, &r, false, nil
	}
	said, asks, err := w.answerOfTwin(ctx, c)
	if err != nil || said == nil {
		return c, nil, asks, err
	}
	r := w.judged(ctx, c, said.conversation(c))
	r.At = cmp.Or(said.At, w.run.StartedAt) // it was said to the twin, and when counts
	return c, &r, false, nil
}

// unasked sets an account aside whose attempt cannot be prepared, and gives its result.
func (w *batchWork) unasked(ctx context.Context, c candidate, cause error) (Result, error) {
	return w.unverified(c, "our own fault: its attempt could not be prepared"), w.setAside(ctx, w.run, AsideState, c.account.ID, w.Ledger, cause)
}

const notOpened = "our own fault: the stored secret could not be opened"

// candidate readies one account; a reason tells why it cannot be asked.
func (w *batchWork) candidate(ctx context.Context, acc Account) (candidate, string) {
	c, reason := w.Auditor.candidate(ctx, acc, w.sealed[acc.ID])
	if reason != "" && acc.Auth == AuthOAuth2 && c.print != "" {
		if _, t := w.readyGrant(&c, nil); t.What != "" {
			w.trouble(ctx, t)
		}
	}
	return c, reason
}

func (a *Auditor) candidate(ctx context.Context, acc Account, sealed []byte) (candidate, string) {
	c := candidate{account: acc}
	target, err := a.Resolve(ctx, acc)
	if err != nil {
		return c, "the provider could not be found: " + err.Error()
	}
	c.target = target
	if target.Endpoint.Host == "" {
		return c, "no mail server is stored, and none is known for this address"
	}
	secret, err := a.Open(acc.ID, sealed)
	if err != nil {
		a.Log.Error("secret not opened", "account", acc.ID, "err", err)
		return c, notOpened
	}
	if secret.Empty() {
		return c, "no secret is stored"
	}
	c.secret = secret
	c.print = a.Fingerprints.Secret(secret)
	c.key = AttemptKey{Login: a.Fingerprints.Login(target.Endpoint.Host + "\n" + acc.Login()), Secret: c.print}
	if acc.Auth == AuthOAuth2 {
		reason, _ := a.readyGrant(&c, sealed)
		return c, reason
	}
	return c, ""
}

func (w *batchWork) unverified(c candidate, reason string) Result {
	r := w.result(c)
	r.Judgement = Judgement{Verdict: Unverified, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous}
	r.Reason = reason
	return r
}

func (w *batchWork) result(c candidate) Result {
	r := baseResult(c, w.Now())
	r.RunKey, r.Try = w.run.Key, w.batch.Try
	return r
}

func baseResult(c candidate, at time.Time) Result {
	r := Result{
		AccountID: c.account.ID, TenantID: c.account.TenantID, TenantName: c.account.TenantName,
		Address: c.account.Address, Provider: Undecided, Fingerprint: c.print, At: at,
	}
	if c.target.Provider != nil {
		r.Provider, r.Brand = c.target.Provider.Name, c.target.Brand.Name
	}
	if r.Provider == Undecided {
		r.Host = c.target.Endpoint.Host
	}
	return r
}

// converse asks one account. It returns false if it was cut off before the credential left us.
func (w *batchWork) converse(ctx context.Context, c candidate) (Result, bool) {
	if ctx.Err() != nil {
		return Result{}, false
	}
	if reason := w.clientRefused(c); reason != "" {
		w.returnAttempt(ctx, c)
		return w.unverified(c, reason), true
	}
	leave, reason, err := w.enterHost(ctx, c, w.run.Key)
	if err != nil {
		w.Log.Warn("account not asked", "account", c.account.ID, "err", err)
		return Result{}, false
	}
	if reason != "" {
		w.returnAttempt(ctx, c)
		return w.unverified(c, reason), true
	}
	conv := w.Auditor.ask(ctx, c, w.until.Add(startGrace))
	r := w.judged(ctx, c, conv)
	if err := leave(refusedSignIn(conv, r.Class)); err != nil {
		w.Log.Error("refusal not given back", "account", c.account.ID, "err", err)
	}
	if conv.Fault == providers.FaultCancelled && !conv.CredentialSent {
		return Result{}, false
	}
	if !conv.CredentialSent {
		w.returnAttempt(ctx, c)
	}
	if err := w.tellTwins(context.WithoutCancel(ctx), c, conv, r.At); err != nil {
		w.Log.Error("answer not handed on", "account", c.account.ID, "err", err)
	}
	return r, true
}

func (w *batchWork) returnAttempt(ctx context.Context, c candidate) {
	if err := w.giveBack(ctx, []candidate{c}); err != nil {
		w.Log.Error("attempt not given back", "account", c.account.ID, "err", err)
	}
}

// judged is the result that a conversation leads to.
func (w *batchWork) judged(ctx context.Context, c candidate, conv providers.Conversation) Result {
	r := w.result(c)
	reading := w.Auditor.judge(&r, c, conv, w.states[c.account.ID]).reading
	if c.grant != nil {
		w.watchGrant(ctx, c, conv, reading)
	} else if reading.Class == providers.ClientRefused && (conv.Fault == providers.FaultNone || conv.Fault == providers.FaultOurs) {
		w.trouble(ctx, Trouble{
			What: c.target.Provider.Title + " refuses our side whatever the account (" + reading.Rule + ")",
			Mend: "check the address we leave by, network.ehlo and our OAuth client; mailaudit rules list tells what the rule stands for",
		})
	}
	w.logResult(r, reading, conv)
	return r
}

// trouble notes a fault of our own, once a turn.
func (w *batchWork) trouble(ctx context.Context, t Trouble) {
	if _, noted := w.once.LoadOrStore(t.What, true); noted {
		return
	}
	if err := w.NoteTrouble(context.WithoutCancel(ctx), w.run.Key, t); err != nil {
		w.Log.Error("trouble not noted", "trouble", t.What, "err", err)
	}
}

// ask holds the conversation, if it can begin by startBy (zero: whenever).
func (a *Auditor) ask(ctx context.Context, c candidate, startBy time.Time) providers.Conversation {
	secret := providers.NewSecret(c.target.Provider.Wire(c.secret.Reveal()))
	attempt := providers.Attempt{
		Endpoint: c.target.Endpoint, Mechanisms: c.target.Provider.Mechanisms,
		Login: c.account.Login(), Secret: secret, StartBy: startBy,
	}
	if c.grant != nil {
		return a.askByGrant(ctx, c, attempt)
	}
	return a.Ask(ctx, c.target.Provider.Name, attempt)
}

type outcome struct {
	reading providers.Reading
	kind    providers.Kind
}

// judge reads the conversation, makes the verdict and puts both into r.
func (a *Auditor) judge(r *Result, c candidate, conv providers.Conversation, before State) outcome {
	reading := c.target.Provider.Read(conv, c.target.Foreign)
	kind := c.kind()
	r.Judgement = Judge(Case{
		Reading: reading, Kind: kind, Brand: c.target.Brand, ForeignHost: c.target.Foreign,
		AcceptedBefore: c.acceptedBefore(before),
	})
	r.Rule, r.Class = reading.Rule, reading.Class
	if contradicted(c.account, r.Judgement, reading.Class, a.Now()) {
		r.Judgement = Judgement{Verdict: Unverified, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Ambiguous}
		r.Reason = ReasonContradicted
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
	if r.Verdict == Unverified && r.Reason == "" {
		r.Reason = "the provider did not say: " + string(reading.Class)
	}
	r.Retry = r.Verdict == Unverified && reading.Passing()
	if c.grant != nil {
		c.grant.settle(r)
	}
	return outcome{reading, kind}
}

// logResult writes one line an account: no address, and no reply text above debug.
func (w *batchWork) logResult(r Result, reading providers.Reading, conv providers.Conversation) {
	ctx := context.Background()
	w.Log.LogAttrs(ctx, slog.LevelInfo, "verified", slog.String("run", r.RunKey), slog.String("account", r.AccountID),
		slog.String("provider", r.Provider), slog.String("class", string(reading.Class)), slog.String("verdict", string(r.Verdict)),
		slog.String("stage", string(conv.Stage)), slog.Int64("ms", conv.Took.Milliseconds()))
	w.Log.LogAttrs(ctx, slog.LevelDebug, "reply", slog.String("account", r.AccountID), slog.String("rule", r.Rule),
		slog.String("reply", r.Reply), slog.String("fault", string(conv.Fault)))
}
