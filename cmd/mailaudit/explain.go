package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"mailaudit/audit"
	"mailaudit/report"
	"mailaudit/report/notice"
)

type explainCmd struct {
	Account string `arg:"" name:"account_id" help:"The account."`
	Format  string `enum:"text,json" default:"text" help:"text or json."`
}

func (k explainCmd) Run(ctx context.Context, g *Globals, around *surroundingsOf) error {
	a, err := openDesk(ctx, g, around)
	if err != nil {
		return err
	}
	defer a.Close()
	e, err := a.auditor.Explain(ctx, a.caps(), k.Account)
	if err != nil {
		return err
	}
	r := explainJSON(e)
	if k.Format == "json" {
		enc := json.NewEncoder(around.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	return r.write(around.stdout)
}

// explainReport is what explain prints as JSON.
type explainReport struct {
	AccountID  string         `json:"account_id"`
	TenantID   string         `json:"tenant_id"`
	Provider   string         `json:"provider"`
	Verdict    audit.Verdict  `json:"verdict"` // the last one that was not unverified; "" before the first
	Since      string         `json:"since"`
	Rule       string         `json:"rule"`
	Certainty  string         `json:"certainty"`
	ToldAt     string         `json:"told_at"` // of this finding, last; "" if not
	ToldNotice string         `json:"told_notice"`
	Nights     []explainNight `json:"nights"` // since the verdict last changed
	known      bool
}

type explainNight struct {
	At       string        `json:"at"`
	Run      string        `json:"run"` // "" between two runs
	Verdict  audit.Verdict `json:"verdict"`
	Reason   string        `json:"reason"`
	Decision string        `json:"decision"`
	Why      string        `json:"why"`
	Notice   string        `json:"notice"`
}

func explainJSON(e audit.Explanation) explainReport {
	s := e.State
	r := explainReport{
		AccountID: e.AccountID, TenantID: s.TenantID, Provider: s.Provider, Verdict: s.Settled.Verdict, Since: rfc3339(s.Settled.Since),
		Rule: s.Rule, Certainty: string(s.Certainty), Nights: []explainNight{}, known: e.Known,
	}
	if s.Told.Step > 0 && !s.Told.Shadow {
		r.ToldAt, r.ToldNotice = rfc3339(s.Told.At), notice.Reference(s.Told.NoticeID)
	}
	for _, event := range e.Events {
		n := explainNight{
			At: rfc3339(event.At), Run: event.RunKey, Verdict: event.Verdict, Reason: event.Reason, Decision: event.Decision, Why: event.Why,
		}
		if event.Notice != 0 {
			n.Notice = notice.Reference(event.Notice)
		}
		r.Nights = append(r.Nights, n)
	}
	return r
}

func (r explainReport) write(w io.Writer) error {
	if !r.known {
		_, err := fmt.Fprintf(w, "account %s: no run has asked it yet, so nobody was told anything\n", report.Plain(r.AccountID))
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
	told := "the customer has not been told of it"
	if r.ToldAt != "" {
		told = fmt.Sprintf("the customer was told of it, last on %s (first notice %s)", r.ToldAt, r.ToldNotice)
	}
	_, err := fmt.Fprintf(w, "%s\n%s\n", head, told)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, n := range r.Nights {
		run, why := n.Run, n.Why
		if run == "" {
			run = n.At
		}
		if n.Notice != "" {
			why = n.Notice + ", " + why
		}
		_, werr := fmt.Fprintf(t, "%s\t%s\t%s: %s\n", run, n.Verdict, n.Decision, report.Plain(why))
		err = errors.Join(err, werr)
	}
	return errors.Join(err, t.Flush())
}
