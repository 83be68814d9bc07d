package app

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"mailaudit/audit/night"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/providers/catalog"
	"mailaudit/providers/web"
)

const (
	ClockTimeout = 10 * time.Second
	slackAPI     = "https://slack.com/api/"
)

// ClocksOf are those that preflight and doctor compare this machine's with: the database's, where it may stand
// on another machine, and the Date of an HTTP answer of Slack's and of the token endpoints, which the program
// talks to anyway. Empty where there is nobody to ask.
func ClocksOf(s *Setup, store any) []night.Clock {
	machine := s.Env.machineClock()
	var all []night.Clock
	if db, ok := store.(interface {
		Clock(context.Context) (time.Time, error)
	}); ok {
		all = append(all, night.Clock{Whose: "the database", Skew: func(ctx context.Context) (time.Duration, error) { return skewOf(ctx, machine, db.Clock) }})
	}
	for _, address := range dated(s.Config) {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || slices.ContainsFunc(all, func(k night.Clock) bool { return k.Whose == u.Hostname() }) {
			continue
		}
		// The host alone: a webhook's path is its secret.
		root := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}).String()
		all = append(all, night.Clock{Whose: u.Hostname(), Skew: func(ctx context.Context) (time.Duration, error) {
			return skewOf(ctx, machine, func(ctx context.Context) (time.Time, error) {
				return dateOf(ctx, s.Env.transport(), root, u.Hostname())
			})
		}})
	}
	return all
}

// dated are the addresses that the program talks HTTP to.
func dated(c *config.Config) []string {
	var all []string
	switch {
	case !c.Slack.Webhook.Empty():
		all = append(all, c.Slack.Webhook.Reveal())
	case c.Slack.Token.Empty():
	case c.Slack.APIURL == "":
		all = append(all, slackAPI)
	default:
		all = append(all, c.Slack.APIURL)
	}
	for _, p := range catalog.All() {
		for i := range p.Brands {
			if client, configured := OAuthClient(c, p, &p.Brands[i]); configured {
				all = append(all, client.TokenURL)
			}
		}
	}
	return all
}

// skewOf is positive where this machine is ahead of the clock that ask reads.
func skewOf(ctx context.Context, now func() time.Time, ask func(context.Context) (time.Time, error)) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, ClockTimeout)
	defer cancel()
	asked := now()
	theirs, err := ask(ctx)
	if err != nil {
		return 0, err
	}
	return asked.Add(now().Sub(asked) / 2).Sub(theirs), nil
}

// dateOf is the time by the Date of an HTTP answer, exact to about a second.
func dateOf(ctx context.Context, through http.RoundTripper, address, host string) (time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask %s for the time: not an address", host)
	}
	resp, err := web.Client(through, 0, ClockTimeout).Do(req)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask %s for the time: %w", host, web.Cause(err))
	}
	resp.Body.Close()
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return time.Time{}, fmt.Errorf("ask %s for the time: its answer has no date", host)
	}
	return date.Add(500 * time.Millisecond), nil // it is cut to its second: the middle is the best guess
}
