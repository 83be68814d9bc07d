package config

import "time"

const day = 24 * time.Hour

// Default is the configuration of an empty file.
func Default() *Config {
	c := &Config{
		Database:      Database{Kind: SQLite, Path: "mailaudit.db"},
		Keyset:        KeySource{Kind: "file", Value: "mailaudit-keyset.json"},
		TimeZone:      time.UTC,
		Window:        4 * time.Hour,
		DeliverWithin: 2 * time.Minute,
		Network:       Network{ConnectTo: HostMap{}, Timeout: 30 * time.Second, Ports: []int{25, 465, 587, 2525, 26}},
		Providers:     make(map[string]Provider, len(providerNames)),

		AttemptsPerDay: 2,
		RetryAfter:     30 * time.Minute,
		RecheckRefused: 7 * day,
		Relay:          Relay{MaxRate: Rate{Count: 10, Per: time.Second}},
		Slack:          Slack{Show: "ids"},
		Notices: Notices{
			Mode:             "shadow",
			ConfirmNights:    2,
			RemindAfter:      []time.Duration{3 * day, 7 * day, 14 * day},
			MaxPerNight:      50,
			MaxPerRecipient:  3,
			MaxPerTenant:     20,
			MaxAheadPerNight: 200,
			Product:          "ClinicSource",
			ShowMailbox:      "auto",
		},
		Guard: Guard{
			MaxNewFailures: 0.01,
			MinNewFailures: 10,
			MinCoverage:    0.95,
			MaxUnreachable: 0.20,
			MaxSourceLoss:  0.05,
		},
		Report:  Report{Addresses: "masked"},
		Metrics: Metrics{Listen: "127.0.0.1:9464"},
		Watch:   30 * time.Second,

		ReuseTraffic: ReuseTraffic{AtMost: 3 * day},
		Retention:    6 * year,
	}
	for _, name := range providerNames {
		p := Provider{MaxConcurrency: 4, MaxRate: Rate{Count: 2, Per: time.Second}}
		if name == "other" {
			// Hosts that nobody here knows are often shared, and ban an address after a few refusals.
			p.MaxRefusals = 3
		}
		c.Providers[name] = p
	}
	mustUnmarshal(&c.Schedule, "15 2 * * *")
	mustUnmarshal(&c.Notices.SendBetween, "Mon-Fri 09:00-16:00")
	return c
}

// mustUnmarshal sets a default that is written as in the file; the tests load them all.
func mustUnmarshal(v interface{ UnmarshalText([]byte) error }, text string) {
	if err := v.UnmarshalText([]byte(text)); err != nil {
		panic("default configuration: " + text + " " + err.Error())
	}
}
