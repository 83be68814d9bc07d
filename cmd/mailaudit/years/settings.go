package years

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"mailaudit/cmd/mailaudit/years/observe"
)

// Settings are the configuration of a world's installation.
type Settings struct {
	observe.Configured
	MaxConcurrency map[string]int
	Canaries       map[string][]string // "google good": ids
}

// LookEvery is how often the program's processes look what is to be done: seldom, since every look costs and nothing
// else tells the time of it.
const LookEvery = 5 * time.Minute

// firstSettings are those that a world begins with.
func firstSettings(pick *rand.Rand) Settings {
	s := Settings{Configured: observe.Configured{
		Mode: "live", ConfirmNights: 1 + pick.IntN(2), RemindAfter: []time.Duration{72 * time.Hour, 168 * time.Hour, 336 * time.Hour},
		SendBetween: oneOf(pick, []string{"", "Mon-Fri 09:00-16:00", "Mon-Sun 08:00-18:00"}),
		MaxPerNight: oneOf(pick, []int{5, 50, 50, 200}), MaxPerRecipient: oneOf(pick, []int{1, 3, 3}), MaxPerTenant: oneOf(pick, []int{2, 20}),
		MaxNewFailures: 0.01, MinNewFailures: oneOf(pick, []int{3, 5, 10}), MaxUnreachable: 0.2, MaxSourceLoss: 0.05,
		AttemptsPerDay: oneOf(pick, []int{1, 2, 2, 3}), RetryAfter: oneOf(pick, []time.Duration{10 * time.Minute, 20 * time.Minute}),
		RecheckRefused: oneOf(pick, []time.Duration{0, 72 * time.Hour, 168 * time.Hour}),
		MaxRefusals:    map[string]int{"other": oneOf(pick, []int{0, 2, 3})},
		Window:         time.Hour, DeliverWithin: 10 * time.Minute,
		TimeZone: oneOf(pick, []string{"UTC", "America/New_York", "Europe/Berlin", "Pacific/Auckland"}), Slack: oneOf(pick, []string{"token", "token", "token", "webhook", ""}),
		Installation: "years",
	}}
	return s
}

// YAML is the configuration file. keyset names the keyset's file; database is as in the file.
func (s Settings) YAML(database, keyset string) string {
	providers := map[string]any{}
	for _, name := range []string{"google", "microsoft", "yahoo", "apple", "zoho", "fastmail", "other"} {
		one := map[string]any{"max_concurrency": max(1, s.MaxConcurrency[name]), "max_rate": "1000/s", "max_refusals": s.MaxRefusals[name]}
		if name == "google" || name == "microsoft" {
			one["oauth"] = map[string]any{"client_id": "years", "client_secret": "years-client-pw"}
		}
		if good, bad := s.Canaries[name+" good"], s.Canaries[name+" bad"]; len(good)+len(bad) > 0 {
			one["canaries"] = map[string]any{"good": append([]string{}, good...), "bad": append([]string{}, bad...)}
		}
		providers[name] = one
	}
	slack := map[string]any{}
	switch s.Slack {
	case "token":
		slack = map[string]any{"token": "xoxb-years", "channel": "C0YEARS00", "api_url": "https://slack.example/api"}
	case "webhook":
		slack = map[string]any{"webhook": "https://slack.example/services/T0/B0/years"}
	}
	remind := []string{}
	for _, d := range s.RemindAfter {
		remind = append(remind, d.String())
	}
	file := map[string]any{
		"database": database, "keyset": "file:" + keyset, "installation": s.Installation, "time_zone": s.TimeZone,
		"window": s.Window.String(), "deliver_within": s.DeliverWithin.String(), "attempts_per_day": s.AttemptsPerDay,
		"retry_after": s.RetryAfter.String(), "recheck_refused": s.RecheckRefused.String(), "providers": providers,
		"network": map[string]any{"timeout": "30s"},
		"relay":   map[string]any{"url": "smtp://relay.example:587", "from": "Clinic Support <support@product.example>", "max_rate": "1000/s"},
		"slack":   slack,
		"notices": map[string]any{
			"mode": s.Mode, "confirm_nights": s.ConfirmNights, "remind_after": remind, "send_between": s.SendBetween,
			"max_per_night": s.MaxPerNight, "max_per_recipient": s.MaxPerRecipient, "max_per_tenant": s.MaxPerTenant,
			"only":         map[string]any{"tenants": orEmpty(s.OnlyTenants), "providers": orEmpty(s.OnlyProviders), "verdicts": orEmpty(s.OnlyVerdicts)},
			"settings_url": "https://app.product.example/mail",
		},
		"guard": map[string]any{
			"max_new_failures": percent(s.MaxNewFailures), "min_new_failures": s.MinNewFailures,
			"max_unreachable": percent(s.MaxUnreachable), "max_source_loss": percent(s.MaxSourceLoss),
		},
		"metrics": map[string]any{"listen": ""},
		"report":  map[string]any{"addresses": "full"},
	}
	var b strings.Builder
	for key, value := range file {
		text, err := json.Marshal(value) // JSON is YAML
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&b, "%s: %s\n", key, text)
	}
	return b.String()
}

func percent(share float64) string { return fmt.Sprintf("%g%%", share*100) }

func orEmpty(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}
