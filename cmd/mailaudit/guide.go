package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"mailaudit/audit"
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

func (k guideCmd) Run(ctx context.Context, s *setup) error {
	if k.Site != "" {
		return k.writeSite(s)
	}
	if k.Provider == "" {
		return usageError("which provider's guide? one of google, microsoft, yahoo, apple, zoho, fastmail, other")
	}
	p, err := mustProvider(k.Provider)
	if err != nil {
		return err
	}
	if _, known := p.Brand(k.Brand); k.Brand != "" && !known {
		return usageError("%s has no brand %q", p.Name, k.Brand)
	}
	v := audit.Verdict(k.Verdict)
	if !slices.Contains(audit.Verdicts[:], v) && k.Verdict != string(audit.KindAhead) {
		return usageError("--verdict %q is not one of %s, ahead", k.Verdict, joined(audit.Verdicts[:]))
	}
	kind := audit.KindFinding
	switch {
	case k.Verdict == string(audit.KindAhead):
		v, kind = audit.Compliant, audit.KindAhead
	case !v.Failing():
		return usageError("customers are not mailed about %s, so there is no guide for it", v)
	}
	settings, err := s.letterSettings()
	if err != nil {
		return err
	}
	sample := notice.Sample{
		Provider: p.Name, Brand: k.Brand, Verdict: v, Kind: kind, Actor: providers.Actor(k.Actor), Grant: k.Grant,
		Locale: k.Locale,
		Zone:   s.config.TimeZone, To: k.To, Date: s.now(),
	}
	if k.To != "" {
		return s.sendGuide(ctx, sample, settings)
	}
	page, err := notice.RenderGuide(sample, notice.Format(k.Format), settings)
	if errors.Is(err, notice.ErrNoMail) {
		return usageError("%w", err)
	}
	if err != nil {
		return err
	}
	return writeOut(s.around.stdout, "", func(w io.Writer) error { _, err := w.Write(page); return err })
}

func (s *setup) sendGuide(ctx context.Context, sample notice.Sample, settings notice.Settings) error {
	sender, err := s.sender()
	if err != nil {
		return err
	}
	if sender == nil || settings.From == "" {
		return usageError("--to needs relay.url and relay.from in the configuration")
	}
	defer sender.Close()
	message, err := notice.Compose(sample.Letter(), settings)
	if err != nil {
		return err
	}
	out, err := sender.Send(ctx, message, nil)
	if err != nil {
		return err
	}
	if out.Result != notice.Sent {
		return fmt.Errorf("the relay did not take the guide (%s): %s", out.Result, out.Detail)
	}
	_, err = fmt.Fprintf(s.around.stdout, "the guide is handed to the relay: %s\n", out.Detail)
	return err
}
