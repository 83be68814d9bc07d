package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/history"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/report"
	"mailaudit/report/notice"
)

// Explain says why the account's customer was or was not notified.
func (a *App) Explain(ctx context.Context, account string) (Explained, error) {
	e, err := a.Auditor.History.Explain(ctx, a.Caps(), account)
	if err != nil {
		return Explained{}, err
	}
	return explained(e, a.Config.Rules(), a.Now()), nil
}

// Explained is why an account's customer was or was not notified, as explain prints it.
type Explained struct {
	AccountID  string           `json:"account_id"`
	TenantID   string           `json:"tenant_id"`
	Provider   string           `json:"provider"`
	Verdict    audit.Verdict    `json:"verdict"` // the last one that was not unverified; "" before the first
	Since      string           `json:"since"`
	Rule       string           `json:"rule"`
	Certainty  string           `json:"certainty"`
	Basis      providers.Basis  `json:"basis"` // how the rule reads; "" where none did, or it is gone
	RuleFile   string           `json:"rule_file,omitempty"`
	TwoFactor  string           `json:"two_factor"`
	Attested   *ExplainedBasis  `json:"attested,omitempty"` // what raised it, or speaks against the sign-in
	ToldAt     string           `json:"told_at"`            // of this finding, last; "" if not
	ToldNotice string           `json:"told_notice"`
	Nights     []ExplainedNight `json:"nights"` // since the verdict last changed
	known      bool
	told       string
}

// ExplainedBasis is what an attestation adds to the evidence of two-factor.
type ExplainedBasis struct {
	Kind    string `json:"kind"`
	SeenAt  string `json:"seen_at"`
	AgeDays int    `json:"age_days"`
	From    string `json:"from"` // what the sign-in alone shows
	Against string `json:"against,omitempty"`
	words   string
}

// ExplainedNight is one decision.
type ExplainedNight struct {
	At       string        `json:"at"`
	Run      string        `json:"run"` // "" between two runs
	Verdict  audit.Verdict `json:"verdict"`
	Reason   string        `json:"reason"`
	Decision string        `json:"decision"`
	Why      string        `json:"why"`
	Notice   string        `json:"notice"`
}

// explained puts an explanation into words.
func explained(e history.Explanation, cat *catalog.Catalog, now time.Time) Explained {
	s := e.State
	rule, _ := cat.Rule(s.Rule)
	r := Explained{
		AccountID: e.AccountID, TenantID: s.TenantID, Provider: s.Provider, Verdict: s.Settled.Verdict, TwoFactor: string(s.Settled.TwoFactor), Since: RFC3339(s.Settled.Since),
		Rule: s.Rule, Certainty: string(s.Certainty), Basis: cat.Basis(s.Rule), RuleFile: rule.File, Nights: []ExplainedNight{}, known: e.Known, told: toldLine(s, e.Heard),
	}
	if s.Settled.Verdict.Failing() && e.Heard.First != 0 && s.Told.Step > 0 {
		r.ToldAt, r.ToldNotice = RFC3339(e.Heard.At), notice.Reference(e.Heard.First)
	}
	if b := s.Settled.Attested; b.Kind != "" {
		r.Attested = &ExplainedBasis{string(b.Kind), RFC3339(b.SeenAt), b.AgeDays(now), string(b.From), b.Against,
			report.AttestedWords(audit.Finding{Attested: b}, audit.Run{StartedAt: now})}
	}
	for _, event := range e.Events {
		n := ExplainedNight{
			At: RFC3339(event.At), Run: event.RunKey, Verdict: event.Verdict, Reason: event.Reason, Decision: event.Decision, Why: event.Why,
		}
		if event.Notice != 0 {
			n.Notice = notice.Reference(event.Notice)
		}
		r.Nights = append(r.Nights, n)
	}
	return r
}

// Write writes it for people.
func (r Explained) Write(w io.Writer) error {
	if !r.known {
		_, err := fmt.Fprintf(w, "account %s: no run has verified it yet, so nobody was notified\n", report.Plain(r.AccountID))
		return err
	}
	head := fmt.Sprintf("account %s, tenant %s, %s: ", report.Plain(r.AccountID), report.Plain(r.TenantID), r.Provider)
	if r.Verdict == "" {
		head += "no verdict yet"
	} else {
		head += fmt.Sprintf("%s since %s", r.Verdict, r.Since)
	}
	if r.Rule != "" {
		head += fmt.Sprintf(" by %s, %s", r.Rule, r.Certainty)
	}
	if words := BasisWords(r.Basis, r.RuleFile); words != "" {
		head += "\nread by " + words
	}
	if r.TwoFactor != "" {
		head += "\n2FA " + report.FactorWord(providers.TwoFactor(r.TwoFactor))
		if r.Attested != nil {
			head += " (" + r.Attested.words + ")"
		}
	}
	_, err := fmt.Fprintf(w, "%s\n%s\n", head, r.told)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, n := range r.Nights {
		run, why := n.Run, n.Why
		if run == "" {
			run = n.At
		}
		if n.Verdict.Fine() && n.Reason != "" {
			why = n.Reason + "; " + why
		}
		if n.Notice != "" {
			why = n.Notice + ", " + why
		}
		_, werr := fmt.Fprintf(t, "%s\t%s\t%s: %s\n", run, n.Verdict, decided(n.Decision), report.Plain(why))
		err = errors.Join(err, werr)
	}
	return errors.Join(err, t.Flush())
}

// decided is a decision in prose.
func decided(decision string) string {
	switch decision {
	case "told":
		return "notified"
	case "not told":
		return "not notified"
	}
	return decision
}

// toldLine says what the customer was mailed of the verdict as it stands.
func toldLine(st audit.State, h history.Heard) string {
	verdict, failed := st.Settled.Verdict, notice.Reference(h.Failed)
	told := "the customer was notified"
	if h.Unsure {
		told = "the customer may have been notified"
	}
	mails := fmt.Sprintf("last on %s (first notice %s)", RFC3339(h.At), notice.Reference(h.First))
	ended := fmt.Sprintf("%s on %s that %s (%s)", told, RFC3339(h.At), endings[h.Kind], notice.Reference(h.First))
	switch ends := st.Told.Step == 0; {
	case verdict == "":
		return "the customer has not been notified of anything"
	case h.Kind == audit.KindCorrection, ends && h.Kind != "" && !verdict.Failing():
		return ended
	case verdict.Failing() && !ends && h.Kind != "":
		return told + " of it, " + mails
	case verdict.Failing() && !ends && h.Failed != 0:
		return "the customer has not been notified of it: " + failed + " could not be delivered"
	case verdict.Failing():
		return "the customer has not been notified of it"
	case h.Kind != "":
		return told + " of the finding before, " + mails + ", and not yet that it works again"
	case ends && h.Failed != 0:
		return "the customer does not know that it works again: " + failed + " could not be delivered"
	}
	return "there is nothing to tell the customer"
}

// endings are what the mails say that end a story.
var endings = map[audit.NoticeKind]string{
	audit.KindRecovered: "it works again", audit.KindCorrection: "an earlier mail was wrong",
}

// BasisWords says why a reading can be relied on, and whose rule it is; "" where no rule knew the reply.
func BasisWords(b providers.Basis, file string) string {
	if b == "" {
		return ""
	}
	text := string(b) + ": " + b.Words()
	if file != "" {
		text += ", " + file + " in rules_dir"
	}
	return text
}
