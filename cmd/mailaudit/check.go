package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/report"
)

type checkCmd struct {
	Account string `arg:"" name:"account_id" help:"The account."`
	Format  string `enum:"text,json" default:"text" help:"text or json."`
}

func (checkCmd) wants() wants { return wants{asks: true} }

func (k checkCmd) Run(ctx context.Context, a *app) error {
	if err := a.checkKeys(ctx); err != nil {
		return err
	}
	got, err := a.auditor.Check(ctx, k.Account)
	if err != nil {
		return err
	}
	told, err := a.wouldTell(got)
	if err != nil {
		return err
	}
	if k.Format == "json" {
		enc := json.NewEncoder(a.around.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(checkJSON(got, told))
	}
	return writeCheck(a.around.stdout, got, told)
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
	SecretKind     providers.Kind      `json:"secret_kind"`
	Verdict        audit.Verdict       `json:"verdict"`
	TwoFactor      providers.TwoFactor `json:"two_factor"`
	Previous       audit.Verdict       `json:"previous"`
	Reply          string              `json:"reply"`
	Reason         string              `json:"reason"`
	Told           string              `json:"told"`
}

func checkJSON(got audit.Checked, told string) checkReport {
	r := checkReport{
		AccountID: got.Account.ID, TenantID: got.Account.TenantID,
		Provider: got.Result.Provider, Brand: got.Result.Brand,
		Dialogue: dialogue(got.Conversation), CredentialSent: got.Conversation.CredentialSent,
		TLS: got.Conversation.TLSVersion, LocalAddr: got.Result.LocalAddr,
		Class: got.Result.Class, Rule: got.Result.Rule, Certainty: got.Result.Certainty, SecretKind: got.Kind,
		Verdict: got.Result.Verdict, TwoFactor: got.Result.TwoFactor, Previous: got.Before.Settled.Verdict,
		Reply: got.Result.Reply, Reason: got.Result.Reason, Told: told,
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

func writeCheck(w io.Writer, got audit.Checked, told string) error {
	r := checkJSON(got, told)
	var all error
	say := func(name, value string) {
		if value != "" {
			_, err := fmt.Fprintf(w, "%-11s %s\n", name, report.Plain(value))
			all = errors.Join(all, err)
		}
	}
	say("account", r.AccountID+", tenant "+r.TenantID)
	say("provider", r.Provider+" ("+r.Brand+")")
	say("asked", r.Endpoint)
	say("from", r.LocalAddr)
	say("tls", r.TLS)
	for _, line := range r.Dialogue {
		_, err := fmt.Fprintf(w, "%-11s %s\n", "", line)
		all = errors.Join(all, err)
	}
	say("reply", r.Reply)
	say("reason", r.Reason)
	rule := r.Rule
	if rule == "" {
		rule = "none"
	}
	say("rule", fmt.Sprintf("%s: %s, %s", rule, r.Class, r.Certainty))
	say("secret", "looks like "+string(r.SecretKind))
	say("verdict", fmt.Sprintf("%s, second factor %s", r.Verdict, r.TwoFactor))
	if r.Previous != "" {
		say("before", string(r.Previous))
	}
	say("customer", r.Told)
	return all
}

// wouldTell says in a sentence what the customer would be told of this verdict, and when.
func (a *app) wouldTell(got audit.Checked) (string, error) {
	v := got.Result.Verdict
	switch {
	case v == audit.Unverified:
		return "is told nothing: nothing can be said now", nil
	case !v.Failing():
		return "is told nothing: the credential was accepted", nil
	}
	subject, err := a.subjectFor(got)
	if err != nil {
		return "", err
	}
	when := "the same night"
	if got.Result.Certainty != providers.Definite {
		when = fmt.Sprintf("after %d nights in a row", a.config.Notices.ConfirmNights)
	}
	return fmt.Sprintf("would be told %s: %q (notices.mode is %s)", when, subject, a.config.Notices.Mode), nil
}
