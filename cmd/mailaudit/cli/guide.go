package cli

import (
	"context"
	"errors"
	"io"
	"slices"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers"
	"mailaudit/report/notice"
)

type guideCmd struct {
	Provider string `arg:"" optional:"" help:"google, microsoft, yahoo, apple, zoho, fastmail or other; with --site and --stale: all."`
	Brand    string `help:"A brand of the provider, such as aol or outlook."`
	Verdict  string `help:"The verdict that the guide is for; without one: the provider's set-up page."`
	Grant    bool   `help:"The guide for a mailbox that is connected by OAuth; needs --verdict."`
	Actor    string `enum:"customer,administrator" default:"customer" help:"Who must act: customer or administrator, which needs --verdict."`
	Locale   string `default:"en" help:"The language."`
	Format   string `enum:"text,html,eml,json" default:"text" help:"text, html or eml; with --stale: text or json."`
	To       string `placeholder:"ADDR" help:"Send it to this one address through the relay."`
	Site     string `placeholder:"DIR" help:"Write all guides as pages with pictures, to be served at notices.guide_url."`
	Stale    string `placeholder:"AGE" help:"List the facts that were seen longer ago than AGE, such as 180d."`
}

func (k guideCmd) Run(ctx context.Context, s *app.Setup) error {
	switch {
	case k.Stale != "":
		return k.listStale(s)
	case k.Format == "json":
		return exit.Usagef("--format json needs --stale; guides are text, html or eml")
	case k.Site != "":
		return k.writeSite(s)
	}
	if k.Provider == "" {
		return exit.Usagef("which provider's guide? one of google, microsoft, yahoo, apple, zoho, fastmail, other")
	}
	p, err := app.MustProvider(k.Provider)
	if err != nil {
		return err
	}
	if _, known := p.Brand(k.Brand); k.Brand != "" && !known {
		return exit.Usagef("%s has no brand %q", p.Name, k.Brand)
	}
	v, kind, err := k.verdict()
	if err != nil {
		return err
	}
	settings, err := s.LetterSettings()
	if err != nil {
		return err
	}
	sample := notice.Sample{
		Provider: p.Name, Brand: k.Brand, Verdict: v, Kind: kind, Actor: providers.Actor(k.Actor), Grant: k.Grant,
		Locale: k.Locale,
		Zone:   s.Config.TimeZone, To: k.To, Date: s.Now(),
	}
	if k.To != "" {
		return s.SendGuide(ctx, sample, settings)
	}
	page, err := notice.RenderGuide(sample, notice.Format(k.Format), settings)
	if errors.Is(err, notice.ErrNoMail) {
		return exit.Usagef("%w", err)
	}
	if err != nil {
		return err
	}
	return writeOut(s.Env.Stdout, "", func(w io.Writer) error { _, err := w.Write(page); return err })
}

// verdict is what the guide is for; both empty: the set-up page.
func (k guideCmd) verdict() (audit.Verdict, audit.NoticeKind, error) {
	v := audit.Verdict(k.Verdict)
	switch {
	case v == "" && (k.Grant || k.Actor != string(providers.ActorCustomer)):
		return "", "", exit.Usagef("--grant and --actor need --verdict")
	case v == "":
		return "", "", nil
	case k.Verdict == string(audit.KindAhead):
		return audit.Compliant, audit.KindAhead, nil
	case !slices.Contains(audit.Verdicts[:], v):
		return "", "", exit.Usagef("--verdict %q is not one of %s, ahead", k.Verdict, app.Joined(audit.Verdicts[:]))
	case !v.Failing():
		return "", "", exit.Usagef("customers are not mailed about %s, so there is no guide for it", v)
	}
	return v, audit.KindFinding, nil
}
