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
	Provider string `arg:"" optional:"" help:"google, microsoft, yahoo, apple, zoho, fastmail or other; with --site: all."`
	Brand    string `help:"A brand of the provider, such as aol or outlook."`
	Verdict  string `default:"revoked" help:"The verdict that the guide is for."`
	Grant    bool   `help:"The guide for a mailbox that is connected by OAuth."`
	Actor    string `enum:"customer,administrator" default:"customer" help:"Who must act: customer or administrator."`
	Locale   string `default:"en" help:"The language."`
	Format   string `enum:"text,html,eml" default:"text" help:"text, html or eml."`
	To       string `placeholder:"ADDR" help:"Send it to this one address through the relay."`
	Site     string `placeholder:"DIR" help:"Write all guides as pages with pictures, to be served at notices.guide_url."`
}

func (k guideCmd) Run(ctx context.Context, s *app.Setup) error {
	if k.Site != "" {
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
	v := audit.Verdict(k.Verdict)
	if !slices.Contains(audit.Verdicts[:], v) && k.Verdict != string(audit.KindAhead) {
		return exit.Usagef("--verdict %q is not one of %s, ahead", k.Verdict, app.Joined(audit.Verdicts[:]))
	}
	kind := audit.KindFinding
	switch {
	case k.Verdict == string(audit.KindAhead):
		v, kind = audit.Compliant, audit.KindAhead
	case !v.Failing():
		return exit.Usagef("customers are not mailed about %s, so there is no guide for it", v)
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
