package config

import (
	"slices"
	"testing"
)

// Each dangerous setting is named by its key, and a harmless configuration names none.
func TestDangerousSettingsAreNamed(t *testing.T) {
	harmless := "dead_man_url: https://watch.example/x\nproviders: {other: {max_refusals: 3}}\n"
	live := "relay: {url: smtp://relay.example, from: a@b.example}\nslack: {webhook: https://hooks.slack.example/x}\n"
	for text, want := range map[string]string{
		"keyset: none\nfingerprint_key: file:x\ndatabase: postgres://u@h/n\naccounts: {relation: x}\n": "keyset",
		"window: 20m\n": "window",
		"network: {connect_to: {\"smtp.gmail.com:465\": \"127.0.0.1:1\"}}\n":             "network.connect_to",
		"network: {allow_private: true}\n":                                               "network.allow_private",
		"attempts_per_day: 9\n":                                                          "attempts_per_day",
		"recheck_refused: 1h\n":                                                          "recheck_refused",
		"relay: {url: smtp+insecure://relay.example}\n":                                  "relay.url",
		"slack: {show: names}\n":                                                         "slack.show",
		"relay: {url: smtp://relay.example, from: a@b.example}\nnotices: {mode: live}\n": "slack",
		live + "notices: {mode: live, send_between: \"\"}\n":                             "notices.send_between",
		live + "notices: {mode: live, confirm_nights: 1}\n":                              "notices.confirm_nights",
		live + "notices: {mode: live, max_per_night: 5000}\n":                            "notices.max_per_night",
		"guard: {max_new_failures: 40%}\n":                                               "guard.max_new_failures",
		"guard: {min_new_failures: 1000}\n":                                              "guard.min_new_failures",
		"guard: {max_unreachable: 90%}\n":                                                "guard.max_unreachable",
		"guard: {max_source_loss: 90%}\n":                                                "guard.max_source_loss",
		"report: {addresses: full}\n":                                                    "report.addresses",
	} {
		if got := dangers(t, text); !slices.Contains(got, want) {
			t.Errorf("%q: dangers %v, want %s", text, got, want)
		}
	}
	if got := dangers(t, harmless); len(got) > 0 {
		t.Errorf("a harmless configuration has dangers: %v", got)
	}
}

func dangers(t *testing.T, text string) (keys []string) {
	t.Helper()
	c, err := parseText("test.yaml", []byte(text), surroundings{lookupEnv: variables(nil), readFile: readBounded})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range c.Dangers() {
		if d.What == "" || d.Fix == "" {
			t.Errorf("%s has no words", d.Key)
		}
		keys = append(keys, d.Key)
	}
	return keys
}
