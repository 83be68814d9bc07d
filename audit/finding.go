package audit

import (
	"encoding/json"
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
	Notice     NoticeState // of the mail that this run wrote about the account; NoticeNone if it wrote none
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
		AccountID: accountID, Provider: Undecided, Verdict: Unverified, TwoFactor: providers.TwoFactorUnknown,
		Certainty: providers.Ambiguous, Reason: "our own fault: what the run noted of the account cannot be read", Notice: NoticeNone,
	}
}

// Overlay merges a page of the history with one of a run's own notes, both of at most limit lines in the
// byte order of their ids; a note replaces the history's line. The merged page ends where a full one ends,
// for the other may not go on there yet.
func Overlay(history, notes []Finding, limit int) []Finding {
	last := ""
	for _, page := range [][]Finding{history, notes} {
		if len(page) == limit && (last == "" || page[limit-1].AccountID < last) {
			last = page[limit-1].AccountID
		}
	}
	merged := make([]Finding, 0, len(history)+len(notes))
	for len(history) > 0 || len(notes) > 0 {
		var f Finding
		switch {
		case len(notes) == 0 || len(history) > 0 && history[0].AccountID < notes[0].AccountID:
			f, history = history[0], history[1:]
		case len(history) > 0 && history[0].AccountID == notes[0].AccountID:
			f, history, notes = notes[0], history[1:], notes[1:]
		default:
			f, notes = notes[0], notes[1:]
		}
		if last != "" && f.AccountID > last {
			break
		}
		merged = append(merged, f)
	}
	return merged
}
