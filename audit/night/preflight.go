package night

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/providers"
)

// preflightStore is what this file needs of the store. The contracts are in package audit.
type preflightStore interface {
	Blame(err error) (b audit.Blame, code string)
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	Facts(ctx context.Context, key, prefix string) (map[string]string, error)
	KnownStates(ctx context.Context, run audit.Run) (int, error)
	Actions(ctx context.Context, from, to time.Time) ([]audit.Action, error)
	Setting(ctx context.Context, name string) (string, error)
	PutSetting(ctx context.Context, name, value string) error
	ConcludedBefore(ctx context.Context, seq int64) (audit.Run, error)
	Stop(ctx context.Context, key, reason string, now time.Time) error
	OpenBatches(ctx context.Context, key string) ([]audit.Batch, error)
	LoadBatch(ctx context.Context, key string, n int) (b audit.Batch, done bool, err error)
}

// Preflight is what was found before the first customer's account is asked.
type Preflight struct {
	Stop     string `json:"stop,omitempty"`     // why the run may not go on
	Silenced string `json:"silenced,omitempty"` // why baseline only, no customer is notified by this run
	// Unreachable says by provider why its results are inconclusive.
	Unreachable map[string]string `json:"unreachable,omitempty"`
}

const (
	preflightFact = "preflight"
)

const (

	// staleAfter is how old the last run may be before what has changed since is not news to act on.
	staleAfter = 3 * 24 * time.Hour
)

// preflightOf returns what was found; looked is false if nobody has looked. A finding that cannot be read silences the
// run, for it may have done so.
func (a *Auditor) preflightOf(ctx context.Context, key string) (p Preflight, looked bool, err error) {
	facts, err := a.Ledger.Facts(ctx, key, preflightFact)
	if err != nil || facts[preflightFact] == "" {
		return p, false, err
	}
	if err := json.Unmarshal([]byte(facts[preflightFact]), &p); err != nil {
		return Preflight{Silenced: "what the preflight found cannot be read"}, false, nil
	}
	return p, true, nil
}

// Preflighted reports whether the run's preflight was done.
func (a *Auditor) preflighted(ctx context.Context, key string) (bool, error) {
	facts, err := a.Ledger.Facts(ctx, key, preflightFact)
	return facts[preflightFact] != "", err
}

// preflight looks at our own side, once the run is planned and before anything is asked. What it finds
// stops the run, silences it, or voids a provider's night; each is told to operations and closes nothing.
func (a *Auditor) preflight(ctx context.Context, run audit.Run) error {
	var p Preflight
	for _, check := range []func(context.Context, audit.Run, *Preflight) error{a.checkSource, a.checkMoved, a.checkState, a.checkClock, a.checkWayOut} {
		if err := check(ctx, run, &p); err != nil {
			return err
		}
		if p.Stop != "" {
			break
		}
	}
	if p.Stop != "" {
		a.Log.Error("run stopped", "run", run.Key, "why", p.Stop)
		return a.Ledger.Stop(ctx, run.Key, p.Stop, a.Now())
	}
	if p.Silenced != "" {
		a.Log.Warn("baseline only, no customer is notified by this run", "run", run.Key, "why", p.Silenced)
		if err := audit.NoteTrouble(ctx, a.Ledger, run.Key, audit.Trouble{What: "baseline only, no customer is notified by this run: " + p.Silenced}); err != nil {
			return err
		}
	}
	for _, provider := range slices.Sorted(maps.Keys(p.Unreachable)) {
		t := audit.Trouble{What: p.Unreachable[provider], Fix: "check outbound connectivity (DNS, firewall, network.proxy); its results are inconclusive"}
		if err := audit.NoteTrouble(ctx, a.Ledger, run.Key, t); err != nil {
			return err
		}
	}
	if err := a.warnOfExpiries(ctx, run); err != nil {
		return err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = a.Ledger.KeepFact(ctx, run.Key, preflightFact, string(text))
	return err
}

// checkSource refuses a source that has come back empty, much smaller, or without a provider.
func (a *Auditor) checkSource(ctx context.Context, run audit.Run, p *Preflight) error {
	if !run.Scope.Whole() {
		return nil
	}
	left, err := a.departed(ctx, run)
	if err != nil {
		return err
	}
	if p.Stop, err = a.lossOf(ctx, run, left); err != nil || p.Stop != "" {
		return err
	}
	return a.renumber(ctx, run, left.moves)
}

// lossOf tells why the source has lost too much for the run to go on; "" if it has not, or if that was accepted.
func (a *Auditor) lossOf(ctx context.Context, run audit.Run, left departures) (stop string, err error) {
	before, known, err := a.runToCompare(ctx, run)
	if err != nil || !known {
		return "", err
	}
	lost := left.gone - len(left.moves)
	if before.Numbers.Accounts > 0 && run.Accounts == 0 {
		stop = fmt.Sprintf("the source of accounts is empty; run %s had %d mailboxes", before.Key, before.Numbers.Accounts)
	} else if a.tooManyLost(lost, before) {
		stop = fmt.Sprintf("the source has lost %d of the %d mailboxes that run %s had", lost, before.Numbers.Accounts, before.Key)
	} else if gone, err := a.lostProvider(ctx, run, before); err != nil {
		return "", err
	} else if gone != "" {
		stop = fmt.Sprintf("the source has no %s mailbox any more; run %s had %d", a.title(gone), before.Key, before.Numbers.Providers[gone].Accounts)
	}
	if stop != "" {
		stop += "; if that is right, start the run once more with --accept-source"
	}
	return stop, nil
}

// runToCompare is the run whose accounts the source must still have; known is false before the first one, and where an
// operator has accepted the source as it is.
func (a *Auditor) runToCompare(ctx context.Context, run audit.Run) (before audit.Run, known bool, err error) {
	accepted, err := a.Ledger.Facts(ctx, run.Key, audit.AcceptFact)
	if err != nil || len(accepted) > 0 {
		return before, false, err
	}
	before, err = a.Ledger.ConcludedBefore(ctx, run.Seq)
	if errors.Is(err, audit.ErrNoRun) {
		return before, false, nil
	}
	return before, err == nil && before.Numbers != nil, err
}

func (a *Auditor) tooManyLost(lost int, before audit.Run) bool {
	return lost > 1 && float64(lost) > a.Policy.Guard.MaxSourceLoss*float64(before.Numbers.Accounts)
}

// providerAtLeast is how many accounts make the loss of a provider's last one worth a question.
const providerAtLeast = 5

func (a *Auditor) lostProvider(ctx context.Context, run, before audit.Run) (string, error) {
	batches, err := a.Ledger.OpenBatches(ctx, run.Key)
	if err != nil {
		return "", err
	}
	have := map[string]bool{}
	for _, b := range batches {
		have[b.Provider] = true
	}
	for _, name := range slices.Sorted(maps.Keys(before.Numbers.Providers)) {
		if before.Numbers.Providers[name].Accounts >= providerAtLeast && !have[name] {
			return name, nil
		}
	}
	return "", nil
}

// checkState silences a night whose memory is not to be trusted: the state was lost or is old, or the
// database is a copy of another installation's.
func (a *Auditor) checkState(ctx context.Context, run audit.Run, p *Preflight) error {
	owner, err := a.Ledger.Setting(ctx, audit.SettingInstallation)
	if err != nil {
		return err
	}
	if owner == "" && a.Policy.Installation != "" {
		if err := a.Ledger.PutSetting(ctx, audit.SettingInstallation, a.Policy.Installation); err != nil {
			return err
		}
		owner = a.Policy.Installation
	}
	if owner != a.Policy.Installation {
		p.Silenced = fmt.Sprintf("the database belongs to installation %q and this is %q", owner, a.Policy.Installation)
		return nil
	}
	before, err := a.Ledger.ConcludedBefore(ctx, run.Seq)
	if errors.Is(err, audit.ErrNoRun) {
		return nil
	}
	if err != nil {
		return err
	}
	if age := run.StartedAt.Sub(before.FinishedAt); age > staleAfter {
		p.Silenced = fmt.Sprintf("the last run, %s, ended %d days ago", before.Key, int(age.Hours()/24))
		return nil
	}
	if before.Numbers == nil {
		return nil
	}
	known, err := a.Ledger.KnownStates(ctx, before)
	if err != nil {
		return err
	}
	purged, err := a.purgedSince(ctx, before.StartedAt)
	if missing := before.Numbers.Accounts - known; missing > 0 && (!purged || 2*missing > before.Numbers.Accounts) {
		p.Silenced = fmt.Sprintf("the state of %d mailboxes as run %s left it is missing", missing, before.Key)
	}
	return err
}

func (a *Auditor) checkClock(ctx context.Context, _ audit.Run, p *Preflight) error {
	for _, clock := range a.Clocks {
		skew, err := clock.Skew(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			a.Log.Warn("clock not compared", "with", clock.Whose, "err", err)
		case skew.Abs() > audit.ClockSkew:
			p.Stop = fmt.Sprintf("this machine's clock differs from that of %s by %v; set it right", clock.Whose, skew.Round(time.Second))
			return nil
		}
	}
	return nil
}

// waysAsked bounds how many of a provider's endpoints are tried before its way out counts as closed.
const waysAsked = 3

// usesSeen is how many of a provider's accounts are looked at for them, in one batch at least.
const usesSeen = 20

// checkWayOut dials an endpoint of each provider that has accounts tonight, without a credential.
func (a *Auditor) checkWayOut(ctx context.Context, run audit.Run, p *Preflight) error {
	endpoints, err := a.endpointsTonight(ctx, run)
	if err != nil {
		return err
	}
	hosts := endpoints[audit.ProviderOther] // they are many, and the death of a few says nothing
	delete(endpoints, audit.ProviderOther)
	if p.Unreachable, err = a.unreachable(ctx, endpoints); err != nil {
		return err
	}
	if len(p.Unreachable) == 0 || len(p.Unreachable) < len(endpoints) {
		return nil
	}
	if reached, _, err := a.anyReached(ctx, audit.ProviderOther, hosts); reached || err != nil {
		return err
	}
	p.Stop = "no provider can be reached from here: check outbound connectivity (DNS, firewall, network.proxy)"
	return nil
}

// unreachable tells by provider why none of its endpoints was reached. All are asked side by side, so that the
// night waits for as many as hang no longer than for one.
func (a *Auditor) unreachable(ctx context.Context, endpoints map[string][]providers.Endpoint) (map[string]string, error) {
	why := map[string]string{}
	var mu sync.Mutex
	var group errgroup.Group
	for provider, of := range endpoints {
		group.Go(func() error {
			reached, detail, err := a.anyReached(ctx, provider, of)
			if !reached && err == nil {
				mu.Lock()
				defer mu.Unlock()
				why[provider] = fmt.Sprintf("%s cannot be reached from here: %s", a.title(provider), detail)
			}
			return err
		})
	}
	return why, group.Wait()
}

func (a *Auditor) anyReached(ctx context.Context, provider string, endpoints []providers.Endpoint) (reached bool, detail string, err error) {
	for _, e := range endpoints {
		// Without a mechanism in common no credential is sent; nobody's is there to be sent anyway.
		conv := a.Ask.Converse(ctx, provider, providers.Attempt{Endpoint: e, Login: "nobody", Secret: providers.NewSecret("nothing")})
		if err := ctx.Err(); err != nil {
			return false, "", err
		}
		if wayOpen(conv) {
			return true, "", nil
		}
		detail = conv.Detail
	}
	return false, detail, nil
}

// wayOpen reports whether a conversation came as far as a server. What that server then does is its own
// affair, and told with the accounts.
func wayOpen(c providers.Conversation) bool {
	return c.Connected || c.Fault == providers.FaultNone
}

// endpointsTonight gives, by provider, a few of the provider's own endpoints, or of the hosts of "other", that
// tonight's accounts use. They are dealt by tenant: nobody's odd ports stand for all.
func (a *Auditor) endpointsTonight(ctx context.Context, run audit.Run) (map[string][]providers.Endpoint, error) {
	open, err := a.Ledger.OpenBatches(ctx, run.Key)
	if err != nil {
		return nil, err
	}
	type use struct {
		tenant string
		of     providers.Endpoint
	}
	uses := map[string][]use{}
	for _, b := range open {
		if len(uses[b.Provider]) >= usesSeen {
			continue
		}
		batch, _, err := a.Ledger.LoadBatch(ctx, run.Key, b.N)
		if err != nil && a.Aside.Spares(ctx, run, a.Ledger)(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		some := batch.IDs[:min(len(batch.IDs), usesSeen)]
		accounts, _, err := a.Aside.ReadAccounts(ctx, run, some)
		if err != nil {
			return nil, err
		}
		for _, id := range some {
			acc, there := accounts[id]
			if !there {
				continue
			}
			target, err := a.Ask.Resolve(ctx, acc)
			if err != nil || target.Foreign && b.Provider != audit.ProviderOther || target.Endpoint.Host == "" {
				continue
			}
			uses[b.Provider] = append(uses[b.Provider], use{acc.TenantID, target.Endpoint})
		}
	}
	found := map[string][]providers.Endpoint{}
	for provider, all := range uses {
		for _, u := range decide.Deal(all, func(u use) string { return u.tenant }, func(use) bool { return false }) {
			if len(found[provider]) < waysAsked && !slices.Contains(found[provider], u.of) {
				found[provider] = append(found[provider], u.of)
			}
		}
	}
	return found, nil
}

// purgedSince reports whether a tenant was taken out of everything kept, states included.
func (a *Auditor) purgedSince(ctx context.Context, t time.Time) (bool, error) {
	acts, err := a.Ledger.Actions(ctx, t, a.Now().Add(time.Second))
	return slices.ContainsFunc(acts, func(act audit.Action) bool { return act.What == audit.ActionPurge }), err
}
