package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/ask"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/report"
)

type checkCmd struct {
	Account  string `arg:"" name:"account_id" help:"The account."`
	Format   string `enum:"text,json" default:"text" help:"text or json."`
	ExitCode bool   `help:"Exit with 4 if the account is failing, with 5 if it is unverified."`
}

func (checkCmd) wants() app.Wants { return app.Wants{Asks: true} }

func (k checkCmd) Run(ctx context.Context, a *app.App) error {
	got, err := a.Auditor.Ask.Check(ctx, k.Account)
	if err != nil {
		return err
	}
	if got.Unopened() { // of one account that is its own trouble, of all the keyset's
		if err := a.CheckKeys(ctx); err != nil {
			return err
		}
	}
	told, err := a.WouldTell(got)
	if err != nil {
		return err
	}
	if k.Format == "json" {
		err = writeIndented(a.Env.Stdout, k.report(a, got, told))
	} else {
		err = writeCheck(a.Env.Stdout, k.report(a, got, told), a.Config.AttemptsPerDay)
	}
	if err != nil || !k.ExitCode {
		return err
	}
	return verdictCode(got.Result.Verdict, k.Account)
}

func (checkCmd) report(a *app.App, got ask.Checked, told string) checkReport {
	r := checkJSON(got, told, a.Config.Rules())
	if got.Result.Reason == ask.AttemptsUsedUp {
		r.RetryAt = a.Auditor.Ask.Tomorrow().Format(time.RFC3339)
	}
	return r
}

// verdictCode is the verdict as an exit code.
func verdictCode(v audit.Verdict, account string) error {
	switch {
	case v.Failing():
		return &exit.Error{Code: exit.Failing, Err: fmt.Errorf("account %s is %s", account, v)}
	case v == audit.Unverified:
		return &exit.Error{Code: exit.Unverified, Err: fmt.Errorf("account %s is unverified", account)}
	}
	return nil
}

// checkReport is what check prints as JSON.
type checkReport struct {
	AccountID      string              `json:"account_id"`
	TenantID       string              `json:"tenant_id"`
	Provider       string              `json:"provider"`
	Brand          string              `json:"brand"`
	Endpoint       string              `json:"endpoint"`
	Dialogue       []string            `json:"dialogue"`
	CredentialSent bool                `json:"credential_sent"`
	TLS            string              `json:"tls"`
	LocalAddr      string              `json:"local_addr"`
	Class          providers.Class     `json:"class"`
	Rule           string              `json:"rule"`
	Certainty      providers.Certainty `json:"certainty"`
	Basis          providers.Basis     `json:"basis"` // how the rule reads; "" where none knew the reply
	RuleFile       string              `json:"rule_file,omitempty"`
	SecretKind     providers.Kind      `json:"secret_kind"`
	Verdict        audit.Verdict       `json:"verdict"`
	TwoFactor      providers.TwoFactor `json:"two_factor"`
	Previous       audit.Verdict       `json:"previous"`
	Reply          string              `json:"reply"`
	Reason         string              `json:"reason"`
	Told           string              `json:"told"`
	Meaning        string              `json:"meaning"`            // the verdict in a sentence
	RetryAt        string              `json:"retry_at,omitempty"` // where the day's attempts are used up: from when on it may be asked
}

func checkJSON(got ask.Checked, told string, cat *catalog.Catalog) checkReport {
	rule, _ := cat.Rule(got.Result.Rule)
	r := checkReport{
		AccountID: got.Account.ID, TenantID: got.Account.TenantID,
		Provider: got.Result.Provider, Brand: got.Result.Brand,
		Dialogue: dialogue(got.Conversation), CredentialSent: got.Conversation.CredentialSent,
		TLS: got.Conversation.TLSVersion, LocalAddr: got.Result.LocalAddr,
		Class: got.Result.Class, Rule: got.Result.Rule, Certainty: got.Result.Certainty,
		Basis: cat.Basis(got.Result.Rule), RuleFile: rule.File, SecretKind: got.Kind,
		Verdict: got.Result.Verdict, TwoFactor: got.Result.TwoFactor, Previous: got.Before.Settled.Verdict,
		Reply: got.Result.Reply, Reason: got.Result.Reason, Told: told, Meaning: report.Meaning(got.Result.Verdict),
	}
	if got.Target.Endpoint.Host != "" {
		r.Endpoint = got.Target.Endpoint.String()
	}
	return r
}

func dialogue(c providers.Conversation) []string {
	lines := []string{}
	for _, l := range c.Dialogue {
		mark := "C: "
		if l.FromServer {
			mark = "S: "
		}
		lines = append(lines, mark+l.Text)
	}
	return lines
}

func writeCheck(w io.Writer, r checkReport, attempts int) error {
	var all error
	say := func(name, value string) {
		if value != "" {
			_, err := fmt.Fprintf(w, "%-11s %s\n", name, report.Plain(value))
			all = errors.Join(all, err)
		}
	}
	say("account", r.AccountID+", tenant "+r.TenantID)
	say("provider", r.Provider+" ("+r.Brand+")")
	say("server", r.Endpoint)
	say("from", r.LocalAddr)
	say("tls", r.TLS)
	for _, line := range r.Dialogue {
		_, err := fmt.Fprintf(w, "%-11s %s\n", "", line)
		all = errors.Join(all, err)
	}
	say("reply", r.Reply)
	say("reason", r.Reason)
	if r.RetryAt != "" {
		say("again", fmt.Sprintf("from %s on: at most %d sign-ins a day with one secret (attempts_per_day), runs and checks together", r.RetryAt, attempts))
	}
	if r.Rule != "" {
		say("rule", fmt.Sprintf("%s: %s, %s", r.Rule, r.Class, r.Certainty))
	} else if len(r.Dialogue) > 0 {
		say("rule", "no rule knows this reply")
	}
	say("read by", app.BasisWords(r.Basis, r.RuleFile))
	if r.SecretKind != "" {
		say("secret", "looks like "+string(r.SecretKind))
	}
	say("verdict", report.Words(r.Verdict)+"; 2FA "+factorWords[r.TwoFactor])
	say("", r.Meaning)
	if r.Previous != "" {
		say("before", string(r.Previous))
	}
	say("customer", r.Told)
	return all
}

var factorWords = map[providers.TwoFactor]string{
	providers.TwoFactorShown: "confirmed", providers.TwoFactorLikely: "likely", providers.TwoFactorUnknown: "undetermined",
	providers.TwoFactorAbsent: "not in use: password only",
}
