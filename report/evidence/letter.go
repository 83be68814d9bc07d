package evidence

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/chain"
	"mailaudit/providers"
	"mailaudit/report"
)

//go:embed letter.html
var letterText string

var letterTemplate = template.Must(template.New("letter").Parse(letterText))

// letter is what was seen of one tenant's mailboxes.
type letter struct {
	Tenant    string    `json:"tenant_id"`
	Name      string    `json:"tenant_name"`
	From      string    `json:"from"`
	To        string    `json:"to"`
	MadeAt    string    `json:"made_at"`
	Head      string    `json:"head"`
	Runs      int       `json:"runs"`
	Mailboxes []mailbox `json:"mailboxes"`

	Product string `json:"-"`
	Checks  string `json:"-"`
}

type mailbox struct {
	AccountID string `json:"account_id"`
	Address   string `json:"address"`
	Provider  string `json:"provider"`
	Seen      string `json:"seen"` // in words, at the last run that could say anything
	TwoFactor string `json:"two_factor"`
	Runs      int    `json:"runs"` // that covered it
	Verified  int    `json:"verified"`
	Problems  string `json:"problems"`

	problems int
	failing  bool
}

// WriteLetter writes one page on what was seen of a tenant's mailboxes, as html or json. audit.ErrNoAccount if no run of
// the range knew the tenant.
func WriteLetter(ctx context.Context, w io.Writer, src Ledger, tenant, product, format string, r Request) error {
	all, err := src.ListRuns(ctx, report.RunsMost, false)
	if err != nil {
		return fmt.Errorf("letter: list runs: %w", err)
	}
	links, err := AllLinks(ctx, src)
	if err != nil {
		return fmt.Errorf("letter: %w", err)
	}
	book, _ := chain.Read(links, nil)
	o := r.Options
	l := letter{
		Tenant: tenant, Product: product, MadeAt: o.Now().In(o.Zone).Format("2 January 2006"),
		From: r.From.In(o.Zone).Format("2 January 2006"), To: r.To.In(o.Zone).Add(-time.Second).Format("2 January 2006"), Mailboxes: []mailbox{},
	}
	if book.Length > 0 {
		l.Head = book.Head
	}
	boxes := map[string]*mailbox{}
	for _, run := range slices.Backward(all) {
		if run.StartedAt.Before(r.From) || !run.StartedAt.Before(r.To) || run.Status != audit.RunConcluded {
			continue
		}
		there := false
		err := src.Findings(ctx, run, func(f audit.Finding) error {
			if f.TenantID != tenant {
				return nil
			}
			there = true
			if f.TenantName != "" {
				l.Name = f.TenantName
			}
			box := boxes[f.AccountID]
			if box == nil {
				box = &mailbox{AccountID: f.AccountID, Seen: "no answer yet", TwoFactor: "undetermined"}
				boxes[f.AccountID] = box
			}
			box.see(run, f, o)
			return nil
		})
		if err != nil {
			return fmt.Errorf("letter: run %s: %w", run.Key, err)
		}
		if there {
			l.Runs++
		}
	}
	if len(boxes) == 0 {
		return fmt.Errorf("tenant %q has no mailbox in the runs from %s to %s: %w", tenant, l.From, l.To, audit.ErrNoAccount)
	}
	if l.Name == "" {
		l.Name = tenant
	}
	l.Checks = report.Number(l.Runs, "time", "times")
	for _, id := range slices.Sorted(maps.Keys(boxes)) {
		box := boxes[id]
		box.Problems = "none"
		if box.problems > 0 {
			box.Problems = report.Number(box.problems, "problem", "problems")
			if box.failing {
				box.Problems += ", one open"
			}
		}
		l.Mailboxes = append(l.Mailboxes, *box)
	}
	if format == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(l)
	}
	return letterTemplate.Execute(w, l)
}

// see takes one run's finding into what was seen of the mailbox.
func (m *mailbox) see(run audit.Run, f audit.Finding, o report.Options) {
	m.Runs++
	m.Address, m.Provider = f.Address, f.Provider
	if o.Title != nil {
		m.Provider = o.Title(f.Provider)
	}
	if !o.FullAddresses {
		m.Address = report.Mask(f.Address)
	}
	if f.Verdict == audit.Unverified {
		return
	}
	m.Verified++
	if f.Verdict.Failing() && !m.failing {
		m.problems++
	}
	m.failing = f.Verdict.Failing()
	m.Seen = run.StartedAt.In(o.Zone).Format("2 January 2006") + ": " + words(f.Verdict)
	m.TwoFactor = strength(f)
	if by := attestedBy(f.Attested); by != "" && f.TwoFactor != f.Attested.From {
		m.TwoFactor += ", by " + by + " of " + f.Attested.SeenAt.In(o.Zone).Format("2 January 2006")
	}
}

// attestedBy names an attestation to the tenant.
func attestedBy(a audit.Attested) string {
	switch a.Kind {
	case audit.GoogleEnrolled, audit.GoogleEnforced:
		return "a record of Google's directory"
	case audit.EntraRegistered:
		return "a record of Microsoft's directory"
	case audit.OIDCMultiFactor:
		return "a sign-in in two steps"
	case audit.CustomerStatement:
		return "your statement"
	}
	return ""
}

// words is what was seen, to the tenant.
func words(v audit.Verdict) string {
	switch v {
	case audit.Compliant, audit.Unproven:
		return "sign-in accepted"
	case audit.SingleFactor:
		return "sign-in accepted with an ordinary password"
	case audit.AppPasswordRequired:
		return "refused: the provider wants an app password"
	case audit.Revoked:
		return "refused, and accepted before"
	case audit.Invalid:
		return "refused"
	case audit.SignInBlocked:
		return "refused until the owner signs in on the web"
	case audit.AuthDisabled:
		return "refused: password sign-in is switched off"
	case audit.MethodRetired:
		return "refused: the provider has ended this way to sign in"
	case audit.AccountBlocked:
		return "refused: the mailbox is blocked or gone"
	case audit.Misconfigured:
		return "not reached with the stored settings"
	}
	return report.Words(v)
}

// strength is what the evidence shows of two-step verification.
func strength(f audit.Finding) string {
	switch f.TwoFactor {
	case providers.TwoFactorShown:
		return "confirmed"
	case providers.TwoFactorLikely:
		return "likely"
	case providers.TwoFactorAbsent:
		return "not seen: one factor opens this mailbox"
	}
	return "undetermined"
}
