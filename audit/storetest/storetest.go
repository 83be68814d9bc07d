// Package storetest is the one suite that every store passes: the other half of the contract that
// [audit.Store] writes down.
package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailaudit/audit"
	"mailaudit/audit/decide"
	"mailaudit/providers"
)

// Run holds the stores that open gives to the contract. Each call of open gives an empty, migrated store.
func Run(t *testing.T, open func(t *testing.T) audit.Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s audit.Store)
	}{
		{"accounts come back as they went in", testAccounts},
		{"pages neither skip nor repeat", testPages},
		{"a failed import stores nothing", testImportFails},
		{"replace removes what the file no longer has", testReplace},
		{"a link of the chain has its number once", testChain},
		{"what a run has left stays", testEvidenceRows},
		{"actions bear chance", testActionNonce},
		{"a key has one run", testStartRun},
		{"a plan goes on from where it stands", testPlan},
		{"a batch closes once", testBatches},
		{"the next batches are those that are due", testNextBatches},
		{"a concluded run's batches stay as they are", testCloseLate},
		{"a summary is marked by one process", testPosting},
		{"runs that are open or not posted are undone", testUndone},
		{"recording twice is recording once", testRecord},
		{"nothing is recorded after the conclusion", testRecordLate},
		{"a second try replaces the first", testSecondTry},
		{"another night's result is left out", testStatesIn},
		{"doubtful is what the state says", testDoubtful},
		{"settling twice is settling once", testSettleTwice},
		{"a run is settled while it is concluded", testSettleLate},
		{"settling does not forget what was told", testSettleKeepsTold},
		{"a hostile reply is recorded", testHostileText},
		{"an old run's findings stay as they were", testHistory},
		{"a run that is still asking tells what it has", testFindingsTonight},
		{"who left the source is gone", testDeparted},
		{"an account goes on under another id", testRenumber},
		{"a plan grows until its run concludes", testPlanMore},
		{"a narrowed run speaks of its accounts alone", testNarrowedRun},
		{"attempts are bounded by secret, login and day", testAttempts},
		{"a secret is bound to where it went", testBindings},
		{"a dry run's answers serve one run of their day", testDryAnswers},
		{"a renewed refresh token takes the place of its own alone", testReplaceSecret},
		{"who is concerned by a change is warned once each time", testAhead},
		{"shares of one mail meet", testDrafts},
		{"a notice is claimed once and told once", testNotice},
		{"a claim keeps within the allowance", testAllowance},
		{"mails are counted by mailbox and domain", testAllowanceOfRecipients},
		{"claims at once fill no place twice", testClaimsAtOnce},
		{"a notice that waits is narrowed, and one being sent by whom it belongs to", testNarrow},
		{"a sleeper's claim holds no more", testReclaim},
		{"a mail that is put off", testPutOff},
		{"a mail that waits for a re-check", testWait},
		{"a handed-over notice is not sent again", testHandOver},
		{"a shadowed notice is noted as such", testShadowed},
		{"a spell in shadow mode takes nothing away from what was told", testShadowedAfterTold},
		{"a mail tells of an account as it stands", testToldAsItStands},
		{"newest finding first", testDueOrder},
		{"due mails are dealt by tenant", testDueIsDealt},
		{"warnings have a line and a cap of their own", testAheadLine},
		{"an acceptance between two runs is the next one's news", testRemedy},
		{"a refusal between two runs renews the evidence", testSeenAgain},
		{"a notice that no run wrote is written once", testEnqueue},
		{"an account's past", testAccountHistory},
		{"everybody's past in pages", testPastPages},
		{"a deadline is only put off", testProlong},
		{"what is older than is kept goes, and what later runs need stays", testExpire},
		{"a run whose hold is open stays", testExpireHeld},
		{"a run whose mail waits stays", testExpireWaiting},
		{"a purged tenant leaves tombstones that add up", testPurge},
		{"nothing is purged while a run is open", testPurgeHalfway},
		{"what waits for a purged tenant never leaves", testPurgeQueued},
		{"a purge leaves an account that moved to its new tenant", testPurgeMoved},
		{"a provider's night is counted, and that of each host that has none", testTallies},
		{"states that are lost or old are missed", testKnownStates},
		{"a discarded notice is remembered", testDiscarded},
		{"a held notice leaves its hold by itself", testQueueHeld},
		{"addresses that bounced lately", testBouncedSince},
		{"what each process found of a provider's pace", testPaces},
		{"an error says what it is about", testBlame},
		{"ids are read without their rows", testAccountIDs},
		{"whoever was planned is accounted for", testUnrecorded},
		{"a later run's accounts are its own", testEarlierRunSettlesLate},
		{"a mail that its run could not queue is found", testLeftForming},
		{"an account has one check at a time", testChecks},
		{"events leave in order, each under one id", testEvents},
		{"holds are found by when they were opened or decided", testHoldsSince},
		{"attestations and traffic stand beside the history", testEvidenceBeside},
		{"a tenant's failing accounts are its own", testFailingOf},
		{"migrating twice is migrating once", testMigrate},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// plenty is an allowance that no test uses up.
var plenty = audit.Allowance{Night: 1000, Ahead: 1000, Recipient: 1000, Tenant: 1000, NightFrom: night, DayFrom: night}

var night = time.Date(2026, 11, 23, 2, 15, 0, 123456000, time.UTC)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func put(t *testing.T, s audit.Store, accounts ...audit.Account) {
	t.Helper()
	_, err := s.Import(t.Context(), false, func(put func(audit.Account, []byte) error) error {
		for _, a := range accounts {
			if err := put(a, []byte("sealed "+a.ID)); err != nil {
				return err
			}
		}
		return nil
	})
	must(t, err)
}

func account(id string) audit.Account {
	return audit.Account{ID: id, TenantID: "t-" + id, Address: id + "@example.com", Auth: audit.AuthPassword}
}

// startRun starts a run and brings it to the point where results are recorded.
func startRun(t *testing.T, s audit.Store, key string, at time.Time) audit.Run {
	t.Helper()
	r, _, err := s.StartRun(t.Context(), audit.Run{Key: key, StartedAt: at, Deadline: at.Add(4 * time.Hour)})
	must(t, err)
	must(t, s.Plan(t.Context(), key, "", "", nil, 0, true))
	return r
}

func result(run audit.Run, id string, v audit.Verdict) audit.Recorded {
	return audit.Recorded{Result: audit.Result{
		AccountID: id, RunKey: run.Key, TenantID: "t-" + id, TenantName: "Clinic " + id, Address: id + "@example.com",
		Provider: "google", Brand: "gmail", Try: 1, At: run.StartedAt, Rule: "google/some-rule",
		Judgement: audit.Judgement{Verdict: v, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Definite, Actor: providers.ActorCustomer},
	}}
}

func record(t *testing.T, s audit.Store, run audit.Run, results ...audit.Recorded) {
	t.Helper()
	must(t, s.Record(t.Context(), run.Key, results))
}

// settle settles every account of the run that needs it, as the conclusion does.
func settle(t *testing.T, s audit.Store, run audit.Run, drafts ...audit.Draft) {
	t.Helper()
	must(t, s.Conclude(t.Context(), run.Key))
	unsettled, err := s.Unsettled(t.Context(), run, "", 1000)
	must(t, err)
	var all []audit.Settlement
	for _, id := range unsettled {
		all = append(all, decide.Settle(run, state(t, s, id)))
	}
	if run.Scope.Whole() {
		departed, err := s.Departed(t.Context(), run, "", 1000)
		must(t, err)
		for _, id := range departed {
			all = append(all, decide.Left(run, state(t, s, id)))
		}
	}
	must(t, s.Settle(t.Context(), run, all, drafts))
}

// concluding is a run as it is once nothing is recorded any more.
func concluding(run audit.Run) audit.Run {
	run.Phase = audit.PhaseConcluding
	return run
}

func finish(t *testing.T, s audit.Store, run audit.Run) {
	t.Helper()
	must(t, s.Finish(t.Context(), run.Key, audit.Numbers{Accounts: 1}, run.StartedAt.Add(time.Hour)))
}

func findings(t *testing.T, s audit.Store, run audit.Run) map[string]string {
	t.Helper()
	got := map[string]string{}
	last := ""
	must(t, s.Findings(t.Context(), concluding(run), func(f audit.Finding) error {
		if f.AccountID <= last {
			t.Errorf("finding of %s comes after that of %s", f.AccountID, last)
		}
		last = f.AccountID
		got[f.AccountID] = fmt.Sprintf("%s<%s since %s", f.Verdict, f.Previous, f.Since.Format(time.DateOnly))
		return nil
	}))
	return got
}

var errStop = errors.New("stop")

func state(t *testing.T, s audit.Store, id string) audit.State {
	t.Helper()
	all, err := s.LoadStates(t.Context(), []string{id})
	must(t, err)
	return all[id]
}
