package notice_test

import (
	"sync"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers/catalog"
	"mailaudit/report/notice"
)

// builtin are the guides as they are shipped.
var builtin = sync.OnceValues(func() (*notice.Guides, error) { return notice.LoadGuides(catalog.All(), nil) })

func zone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

var morning = time.Date(2026, 11, 23, 15, 5, 0, 0, time.UTC)

// night is a time of a run: 09:10 UTC, 03:10 in Chicago.
func night(month time.Month, day int) time.Time {
	return time.Date(2026, month, day, 9, 10, 0, 0, time.UTC)
}

func settings(t testing.TB) notice.Settings {
	t.Helper()
	if _, err := builtin(); err != nil {
		t.Fatal(err)
	}
	return defaults()
}

func defaults() notice.Settings {
	g, _ := builtin()
	return notice.Settings{
		Product:       "ClinicSource",
		SettingsURL:   "https://app.clinicsource.example/settings/mail",
		GuideURL:      "https://help.clinicsource.example/mail",
		Support:       "ClinicSource Support, 555-0142",
		RecheckWithin: "15 minutes",
		From:          "ClinicSource Support <support@clinicsource.example>",
		Installation:  "prod",
		Guides:        g,
	}
}

func newLetter(provider string, items ...notice.Item) notice.Letter {
	return notice.Letter{
		Number:       4821,
		Kind:         audit.KindFinding,
		Provider:     provider,
		TenantName:   "Sunrise Speech Therapy",
		ContactName:  "Maria",
		ContactEmail: "maria@sunrise.example",
		Locale:       "en",
		Zone:         zone("America/Chicago"),
		Date:         morning,
		Items:        items,
	}
}

func item(brand string, v audit.Verdict) notice.Item {
	return notice.Item{
		Mailbox: "frontdesk@sunrise.example", Brand: brand, Verdict: v,
		Since: night(11, 22), Seen: []time.Time{night(11, 22), night(11, 23)},
	}
}

func compose(t testing.TB, l notice.Letter, s notice.Settings) notice.Message {
	t.Helper()
	m, err := notice.Compose(l, s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
