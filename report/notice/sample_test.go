package notice_test

import (
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers/catalog"
	"mailaudit/report/notice"
)

func guides(t testing.TB) *notice.Guides {
	t.Helper()
	g, err := notice.LoadGuides(catalog.All(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func chicago(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

var morning = time.Date(2026, 11, 23, 15, 5, 0, 0, time.UTC)

// night is a time of a run: 09:10 UTC, 03:10 in Chicago.
func night(month time.Month, day int) time.Time {
	return time.Date(2026, month, day, 9, 10, 0, 0, time.UTC)
}

func settings(t testing.TB) notice.Settings {
	return notice.Settings{
		Product:       "ClinicSource",
		SettingsURL:   "https://app.clinicsource.example/settings/mail",
		Support:       "ClinicSource Support, 555-0142",
		RecheckWithin: "15 minutes",
		From:          "ClinicSource Support <support@clinicsource.example>",
		Installation:  "prod",
		Guides:        guides(t),
	}
}

func letter(t testing.TB, provider string, items ...notice.Item) notice.Letter {
	return notice.Letter{
		Number:       4821,
		Kind:         audit.KindFinding,
		Provider:     provider,
		TenantName:   "Sunrise Speech Therapy",
		ContactName:  "Maria",
		ContactEmail: "maria@sunrise.example",
		Locale:       "en",
		Zone:         chicago(t),
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
