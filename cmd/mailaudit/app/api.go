package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/ask"
	"mailaudit/cmd/mailaudit/api"
	"mailaudit/report/notice"
)

const (
	// checkPatience is how long a request waits for its check; the check goes on after it.
	checkPatience = 10 * time.Second
	// checksAtOnce bounds the checks of this process, beside what a provider bears.
	checksAtOnce = 32
	// findingsAtMost bounds the answer about one tenant.
	findingsAtMost = 5000
)

// screens is the desk of the product's own screens.
type screens struct {
	*Worker
	process context.Context // checks outlive their requests, and end with it
	places  chan struct{}
}

var _ api.Desk = (*screens)(nil)

// startAPI answers the product's screens at api.listen, if that is set.
func (d *Daemon) startAPI(ctx context.Context, fail context.CancelCauseFunc) (closeDoor func(), err error) {
	if d.Config.API.Listen == "" {
		return func() {}, nil
	}
	desk := &screens{Worker: d.Worker, process: ctx, places: make(chan struct{}, checksAtOnce)}
	handler := api.Handler(desk, d.Config.API.Token, d.Now, d.Log)
	at, closeDoor, err := door{"api.listen", d.Config.API.Listen, "the product's screens", handler, checkPatience + 2*askedWithin}.open(ctx, fail)
	if err != nil {
		return nil, err
	}
	d.Log.Info("the product's screens are answered", "at", at.String())
	return closeDoor, nil
}

func (s *screens) Tenant(ctx context.Context, id string) (string, error) {
	acc, err := s.stored(ctx, id)
	return acc.TenantID, err
}

func (s *screens) stored(ctx context.Context, id string) (audit.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, askedWithin)
	defer cancel()
	found, err := s.Source.AccountsByID(ctx, []string{id})
	if err != nil {
		return audit.Account{}, err
	}
	if len(found) == 0 {
		return audit.Account{}, fmt.Errorf("account %q: %w", id, audit.ErrNoAccount)
	}
	return found[0], nil
}

// Check asks the account, unless a check of it is under way: two clicks are one conversation, whichever process they reach.
func (s *screens) Check(ctx context.Context, id string) (api.Checked, error) {
	select {
	case s.places <- struct{}{}:
	default:
		return api.Checked{}, api.ErrBusy
	}
	free := func() { <-s.places }
	acc, err := s.stored(ctx, id)
	if err != nil {
		free()
		return api.Checked{}, err
	}
	check := audit.ProductCheck{ID: "chk_" + rand.Text(), AccountID: acc.ID, TenantID: acc.TenantID, At: s.Now(), State: audit.CheckAsking}
	stands, begun, err := s.Store.BeginCheck(ctx, check, s.Now().Add(-s.checkLasts()))
	if err != nil || !begun {
		free()
		return api.Checked{ProductCheck: stands}, err
	}
	ended := make(chan api.Checked, 1)
	go func() {
		defer free()
		ended <- s.ask(s.process, acc, check)
	}()
	select {
	case got := <-ended:
		return got, nil
	case <-ctx.Done():
		return api.Checked{ProductCheck: check}, nil
	case <-time.After(checkPatience):
		return api.Checked{ProductCheck: check}, nil
	}
}

// checkLasts is longer than any check takes.
func (s *screens) checkLasts() time.Duration { return 2*s.Config.Network.Timeout + time.Minute }

// ask holds the check and stores how it ended.
func (s *screens) ask(ctx context.Context, acc audit.Account, check audit.ProductCheck) api.Checked {
	bounded, cancel := context.WithTimeout(ctx, s.checkLasts())
	defer cancel()
	got, err := s.Auditor.Operate.AskNow(bounded, acc.ID)
	check.At = s.Now()
	switch {
	case err != nil:
		s.Log.Error("a check that the product asked for failed", "account", acc.ID, "check", check.ID, "err", err)
		check.State = audit.CheckFailed
	case got.Result.Reason == ask.AttemptsUsedUp:
		check.State, check.RetryAt = audit.CheckWaits, s.Auditor.Ask.Tomorrow()
	default:
		check.State, check.Verdict = audit.CheckDone, got.Result.Verdict
		check.TwoFactor, check.Certainty = got.Result.TwoFactor, got.Result.Certainty
		s.Log.Info("checked for the product", "account", acc.ID, "check", check.ID, "verdict", string(check.Verdict))
	}
	if err := s.Store.EndCheck(context.WithoutCancel(ctx), check); err != nil {
		s.Log.Error("the end of a check is not stored", "account", acc.ID, "check", check.ID, "err", err)
	}
	answer := api.Checked{ProductCheck: check}
	if check.State == audit.CheckDone && check.Verdict.Failing() {
		if told := got.Before.Told; got.Before.Settled.Verdict.Failing() && told.Step > 0 && !told.Shadow {
			answer.Notice = told.NoticeID
		}
		answer.GuideURL = s.guideFor(got)
	}
	if check.State == audit.CheckDone {
		s.engine.Wake() // its mail may leave
	}
	return answer
}

// guideFor is the address of the guide for what was found; "" where none is served.
func (s *screens) guideFor(got ask.Checked) string {
	if s.Config.Notices.GuideURL == "" {
		return ""
	}
	settings, err := s.LetterSettings()
	if err != nil {
		return ""
	}
	page, err := notice.PageURL(notice.Letter{Kind: audit.KindFinding, Provider: got.Result.Provider, Locale: got.Account.Locale, Items: []notice.Item{{
		Brand: got.Result.Brand, Verdict: got.Result.Verdict, Actor: got.Result.Actor, Grant: got.Account.Auth == audit.AuthOAuth2,
	}}}, settings)
	if err != nil {
		s.Log.Warn("no guide for a verdict", "provider", got.Result.Provider, "verdict", string(got.Result.Verdict), "err", err)
	}
	return page
}

func (s *screens) Account(ctx context.Context, id string) (api.Known, error) {
	acc, err := s.stored(ctx, id)
	if err != nil {
		return api.Known{}, err
	}
	states, err := s.Store.LoadStates(ctx, []string{acc.ID})
	if err != nil {
		return api.Known{}, err
	}
	st := states[acc.ID]
	st.AccountID, st.TenantID = acc.ID, acc.TenantID
	readings, err := s.Auditor.Outbox.Readings(ctx, []audit.State{st})
	if err != nil {
		return api.Known{}, err
	}
	last, err := s.Store.LastCheck(ctx, acc.ID)
	if last.State == audit.CheckAsking && s.Now().Sub(last.At) > s.checkLasts() {
		last.State = audit.CheckFailed // its process is gone
	}
	return api.Known{Reading: readings[0], Last: last}, err
}

func (s *screens) Findings(ctx context.Context, tenant string) ([]audit.Reading, error) {
	states, err := s.Store.FailingOf(ctx, tenant, "", findingsAtMost)
	if err != nil {
		return nil, err
	}
	readings, err := s.Auditor.Outbox.Readings(ctx, states)
	var shown []audit.Reading
	for _, r := range readings {
		if r.Verdict.Failing() {
			shown = append(shown, r)
		}
	}
	return shown, err
}
