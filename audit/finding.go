package audit

import (
	"encoding/json"
	"strings"
	"time"

	"mailaudit/providers"
)

// Finding is one account's line in a run's report.
type Finding struct {
	AccountID  string
	TenantID   string
	TenantName string
	Provider   string
	Address    string
	Verdict    Verdict // the run's own, Unverified included
	TwoFactor  providers.TwoFactor
	Certainty  providers.Certainty
	Actor      providers.Actor
	Previous   Verdict // the last one before this run that was not Unverified; "" if there was none
	Since      time.Time
	Reply      string
	Rule       string
	Reason     string
	Wording    string // the normal form of a reply that no rule knows
	Carried    bool
	Host       string      `json:",omitempty"` // of an account of [ProviderOther]
	NoAnswer   bool        `json:",omitempty"` // the server said nothing of the account, see [Result.Mute]
	Notice     NoticeState // of the mail that this run wrote about the account; NoticeNone if it wrote none
	Attested   Attested    `json:",omitzero"`  // what raised TwoFactor, or contradicts the sign-in
	ByTraffic  bool        `json:",omitempty"` // not asked in this run; the product had sent mail by the credential
	Reversal   *Reversal   `json:",omitempty"` // what the run's acceptance takes back; nil where it takes nothing back
}

// Reversal is a refusal that was taken back: the provider accepts the secret that it refused before. It may have been a
// false accusation.
type Reversal struct {
	Verdict Verdict // as it was
	Rule    string  // that decided it
	Told    bool    // the customer was notified of it
	Run     string  // that notified them; "" where none did, or it is not kept
}

// Chronic reports whether the account has had no answer for three nights when a run began at started, see [ChronicSince].
func (f Finding) Chronic(started time.Time) bool {
	return f.Verdict == Unverified && f.NoAnswer && !f.Since.IsZero() && !f.Since.After(ChronicSince(started))
}

// ReadNote is a run's note on an account as it was stored. One that cannot be read counts the account as unverified.
func ReadNote(accountID, stored string) Finding {
	var f Finding
	if err := json.Unmarshal([]byte(stored), &f); err != nil {
		f = unreadableFinding(accountID)
	}
	return f
}

func unreadableFinding(accountID string) Finding {
	return Finding{
		AccountID: accountID, Provider: ProviderOther, Verdict: Unverified, TwoFactor: providers.TwoFactorUnknown,
		Certainty: providers.Ambiguous, Reason: "our own fault: what the run noted of the account cannot be read", Notice: NoticeNone,
	}
}

// ReasonContradicted is why such an account is unverified.
const ReasonContradicted = "contradicted by live traffic"

// Cause is why nothing can be said of an account, as a code for programs.
type Cause string

const (
	CauseOwnData  Cause = "own_data"  // the source's row, or the secret in it
	CauseOwnFault Cause = "own_fault" // an internal error, or our configuration
	CauseProvider Cause = "provider"  // the server's answer, or a guard that found the provider's night inconclusive
	CauseNetwork  Cause = "network"   // no server answered
	CauseWindow   Cause = "window"    // not reached by the window's end
	CauseAttempts Cause = "attempts"  // the day's attempts are used up
	CauseTraffic  Cause = "traffic"   // the product has sent mail through it since
)

// ReasonAttempts begins the reason of an account whose attempts of the day are used up.
const ReasonAttempts = "today's attempts are used up"

// reasonCauses are the causes of reasons, by how they begin.
var reasonCauses = []struct {
	begins string
	cause  Cause
}{
	{"our own data", CauseOwnData}, {"no secret is stored", CauseOwnData}, {"no mail server is stored", CauseOwnData},
	{"our own fault", CauseOwnFault}, {"not reached", CauseWindow}, {ReasonAttempts, CauseAttempts}, {ReasonContradicted, CauseTraffic},
	{"the provider could not be found", CauseNetwork},
}

// Cause is why nothing can be said of the account; "" for one with any other verdict.
func (f Finding) Cause() Cause {
	if f.Verdict != Unverified {
		return ""
	}
	for _, r := range reasonCauses {
		if strings.HasPrefix(f.Reason, r.begins) {
			return r.cause
		}
	}
	if f.NoAnswer && f.Reply == "" {
		return CauseNetwork
	}
	return CauseProvider
}
