package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/config"
	"mailaudit/providers"
)

func TestClockIsCompared(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		date string
		want time.Duration // how far this machine is ahead, to a minute
		says string        // of the error
	}{
		{name: "the same", date: time.Now().UTC().Format(http.TimeFormat)},
		{name: "ahead", date: time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), want: time.Hour},
		{name: "behind", date: time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), want: -time.Hour},
		{name: "no date", date: "yesterday", says: "no date"},
	}
	for _, tt := range tests {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				t.Errorf("asked for %s", r.URL.Path)
			}
			w.Header().Set("Date", tt.date)
		}))
		c := config.Config{Slack: config.Slack{Webhook: providers.NewSecret(server.URL + "/services/clock-canary")}}
		clocks := ClocksOf(clockless(&c), nil)
		if len(clocks) != 1 || clocks[0].Whose != "127.0.0.1" {
			t.Fatalf("%s: clocks %+v", tt.name, clocks)
		}
		skew, err := clocks[0].Skew(t.Context())
		if tt.says == "" && (err != nil || (skew-tt.want).Abs() > time.Minute) {
			t.Errorf("%s: %v, %v", tt.name, skew, err)
		}
		if tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%s: %v", tt.name, err)
		}
		server.Close()
	}
	if all := ClocksOf(clockless(&config.Config{}), nil); len(all) != 0 {
		t.Errorf("without Slack and OAuth there is nobody to ask, and not %+v", all)
	}
	oauth := config.Config{Providers: map[string]config.Provider{"google": {OAuth: config.OAuth{ClientID: "ours"}}}}
	if all := ClocksOf(clockless(&oauth), fixedClock{}); len(all) != 2 || all[0].Whose != "the database" || all[1].Whose != "oauth2.googleapis.com" {
		t.Errorf("clocks %+v", all)
	} else if skew, err := all[0].Skew(t.Context()); err != nil || (skew-time.Hour).Abs() > time.Minute {
		t.Errorf("a database an hour behind: %v, %v", skew, err)
	}
}

// clockless is a setup for the comparison of clocks alone.
func clockless(c *config.Config) *Setup {
	return &Setup{Config: c, Env: &Env{}, Now: time.Now}
}

type fixedClock struct{}

func (fixedClock) Clock(context.Context) (time.Time, error) { return time.Now().Add(-time.Hour), nil }
