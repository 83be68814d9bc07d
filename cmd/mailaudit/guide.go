package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/report/notice"
)

type guideCmd struct {
	Provider string `arg:"" help:"google, microsoft, yahoo, apple, zoho, fastmail or other."`
	Brand    string `help:"A brand of the provider, such as aol or outlook."`
	Verdict  string `default:"revoked" help:"The verdict that the guide is for."`
	Actor    string `enum:"customer,administrator" default:"customer" help:"Who must act: customer or administrator."`
	Locale   string `default:"en" help:"The language."`
	Format   string `enum:"text,html,eml" default:"text" help:"text, html or eml."`
	To       string `placeholder:"ADDR" help:"Send it to this one address through the relay."`
}

func (k guideCmd) Run(ctx context.Context, g *Globals, around *surroundingsOf) error {
	p, err := mustProvider(k.Provider)
	if err != nil {
		return err
	}
	if _, known := p.Brand(k.Brand); k.Brand != "" && !known {
		return usageError("%s has no brand %q", p.Name, k.Brand)
	}
	v := audit.Verdict(k.Verdict)
	if !slices.Contains(audit.Verdicts[:], v) {
		return usageError("--verdict %q is not one of %s", k.Verdict, joined(audit.Verdicts[:]))
	}
	if !v.Failing() {
		return usageError("customers are not mailed about %s, so there is no guide for it", v)
	}
	c, err := loadConfig(g.Config, around.lookupEnv)
	if err != nil {
		return err
	}
	a := &app{config: c, log: g.logger(around.stderr), around: around, now: around.clock()}
	settings, err := a.letterSettings()
	if err != nil {
		return err
	}
	sample := notice.Sample{
		Provider: p.Name, Brand: k.Brand, Verdict: v, Actor: providers.Actor(k.Actor), Locale: k.Locale,
		Zone: c.TimeZone, To: k.To, Date: a.now(),
	}
	if k.To != "" {
		return a.sendGuide(ctx, sample, settings)
	}
	page, err := notice.RenderGuide(sample, notice.Format(k.Format), settings)
	if err != nil {
		return err
	}
	return writeOut(around.stdout, "", func(w io.Writer) error { _, err := w.Write(page); return err })
}

func (a *app) sendGuide(ctx context.Context, sample notice.Sample, settings notice.Settings) error {
	sender, err := a.sender()
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
	_, err = fmt.Fprintf(a.around.stdout, "the guide is handed to the relay: %s\n", out.Detail)
	return err
}
