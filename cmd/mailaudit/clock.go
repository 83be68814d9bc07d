package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"mailaudit/cmd/mailaudit/config"
)

const (
	clockTimeout = 10 * time.Second
	slackAPI     = "https://slack.com/api/"
)

// clockSkew is the function by which preflight and doctor compare this machine's clock with another's: the
// Date of an HTTP answer of Slack's, which the program talks to anyway. nil without Slack.
func clockSkew(c *config.Config) func(context.Context) (time.Duration, string, error) {
	address := c.Slack.APIURL
	switch {
	case !c.Slack.Webhook.Empty():
		address = c.Slack.Webhook.Reveal()
	case c.Slack.Token.Empty():
		return nil
	case address == "":
		address = slackAPI
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	// The host alone: a webhook's path is its secret.
	root := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}).String()
	return func(ctx context.Context) (time.Duration, string, error) { return skewOf(ctx, root, u.Hostname()) }
}

// skewOf is positive where this machine is ahead. It is exact to about a second, which HTTP's dates have.
func skewOf(ctx context.Context, address, host string) (time.Duration, string, error) {
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return 0, host, fmt.Errorf("ask %s for the time: not an address", host)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	asked := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return 0, host, fmt.Errorf("ask %s for the time: %w", host, bareCause(err))
	}
	resp.Body.Close()
	answered := time.Now()
	theirs, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0, host, fmt.Errorf("ask %s for the time: its answer has no date", host)
	}
	// The date is cut to its second, so the middle of that second is the best guess.
	ours := asked.Add(answered.Sub(asked) / 2)
	return ours.Sub(theirs.Add(500 * time.Millisecond)), host, nil
}

// bareCause leaves the address out of net/http's error: it may be a secret.
func bareCause(err error) error {
	var address *url.Error
	if errors.As(err, &address) {
		return address.Err
	}
	return err
}
