package main

import "time"

const day = 24 * time.Hour

// defaultConfig is the configuration of an empty file.
func defaultConfig() *Config {
	c := &Config{
		Database:      Database{Kind: sqliteDatabase, Path: "mailaudit.db"},
		Keyset:        KeySource{Kind: "file", Value: "mailaudit-keyset.json"},
		TimeZone:      time.UTC,
		Window:        4 * time.Hour,
		DeliverWithin: 2 * time.Minute,
		Network:       NetworkConfig{ConnectTo: HostMap{}, Timeout: 30 * time.Second},
		Providers:     make(map[string]ProviderConfig, len(providerNames)),

		AttemptsPerDay: 2,
		RetryAfter:     30 * time.Minute,
		RecheckRefused: 7 * day,
		Relay:          RelayConfig{MaxRate: Rate{Count: 10, Per: time.Second}},
		Slack:          SlackConfig{Show: "ids"},
		Notices: NoticesConfig{
			Mode:            "shadow",
			ConfirmNights:   2,
			RemindAfter:     []time.Duration{3 * day, 7 * day, 14 * day},
			MaxPerNight:     50,
			MaxPerRecipient: 3,
			MaxPerTenant:    20,
			Product:         "ClinicSource",
		},
		Guard: GuardConfig{
			MaxNewFailures: 0.01,
			MinNewFailures: 10,
			MaxUnreachable: 0.20,
			MaxSourceLoss:  0.05,
		},
		Report:    ReportConfig{Addresses: "masked"},
		Metrics:   MetricsConfig{Listen: "127.0.0.1:9464"},
		Retention: 6 * year,
	}
	for _, name := range providerNames {
		p := ProviderConfig{MaxConcurrency: 4, MaxRate: Rate{Count: 2, Per: time.Second}}
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
