package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// rehearsal is what rehearse writes as JSON.
type rehearsal struct {
	Runs  int
	Mails []struct {
		Day, Kind, Provider string
		Tenant              string `json:"tenant_id"`
		Accounts            []string
	}
	Holds []struct {
		Run, Provider, Why string
		Notices            int
	}
	Late *struct {
		Customers int
		Needed    int `json:"max_ahead_per_night_needed"`
	} `json:"not_reached_in_time"`
}

// TestRehearsalEqualsTheNight: what rehearse says of an announced change is what the nights bring, mail for mail and
// hold for hold, where no customer acts in between; and it leaves nothing behind.
func TestRehearsalEqualsTheNight(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.Microsoft365(), sim.Mood{})
	s.play(sim.Google(), sim.Mood{})
	s.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 2, max_per_night: 5, max_ahead_per_night: 4, settings_url: "https://app.product.example/mail"}`
	s.rulesFolder("changes.yaml", "- id: microsoft-basic-auth\n  day: 2026-12-05\n  source: the test\n  seen: 2026-11-29\n")
	var rows []row
	for i := range 8 {
		desk := fmt.Sprintf("desk%d", i)
		rows = append(rows, s.exchangeBox(desk, fmt.Sprintf("solo%d", i), desk+"@owner.example"))
	}
	for i := range 4 { // an administrator of four clinics, two mailboxes each
		clinic := fmt.Sprintf("group%d", i)
		rows = append(rows, s.exchangeBox("front-"+clinic, clinic, "it@msp.example"), s.exchangeBox("billing-"+clinic, clinic, "it@msp.example"))
	}
	for i := range 3 { // lost since long, at another provider: reminders are due in these days
		box := fmt.Sprintf("lost%d", i)
		s.world.Set(box+"@gmail.com", sim.Account{Password: "another", TwoFactor: true})
		rows = append(rows, row{"account_id": box, "tenant_id": "solo0", "address": box + "@gmail.com", "secret": "qponmlkjihgfedcb", "contact_email": "desk0@owner.example"})
	}
	s.install(rows...)
	s.december(1)
	s.done("run")

	last := s.lastNotice()
	mails, asked, posts := len(s.relay.Messages()), s.counters(), len(s.slack.Posts())
	kept := s.contents()
	s.clock.Set(time.Date(2026, time.December, 1, 3, 0, 0, 0, time.UTC))
	var said rehearsal
	s.need(json.Unmarshal([]byte(s.done("rehearse", "--change", "microsoft-basic-auth", "--format", "json")), &said))
	if text := s.done("rehearse", "--change", "microsoft-basic-auth"); !strings.Contains(text, "Nothing was stored") || !strings.Contains(text, "2026-12-02") {
		t.Errorf("the text:\n%s", text)
	}
	if len(s.relay.Messages()) != mails || s.counters() != asked || len(s.slack.Posts()) != posts || s.contents() != kept {
		t.Errorf("a rehearsal left something behind: %d mails, %d posts, asked %+v", len(s.relay.Messages())-mails, len(s.slack.Posts())-posts, s.counters())
	}

	for day := 2; day <= 9; day++ {
		if day == 6 { // the day after the last one
			for _, r := range rows {
				if strings.HasSuffix(r["address"], "onmicrosoft.com") {
					s.world.Change(r["address"], func(a *sim.Account) { a.State = sim.SMTPAuthDisabled })
				}
			}
		}
		s.december(day)
		s.done("run")
	}
	var want, got []string
	for _, m := range said.Mails {
		if m.Day < "2026-12-10" {
			want = append(want, fmt.Sprint(m.Day, " ", m.Kind, " ", m.Tenant, " ", m.Provider, " ", m.Accounts))
		}
	}
	var holds []string
	s.inStore(func(ctx context.Context, store app.Storage) error {
		all, err := store.ListNotices(ctx, "", audit.NoticeSent, 1000)
		for _, n := range all {
			if n.ID > last || n.SentAt.After(time.Date(2026, 12, 1, 3, 0, 0, 0, time.UTC)) {
				got = append(got, fmt.Sprint(n.SentAt.UTC().Format(time.DateOnly), " ", n.Kind, " ", n.TenantID, " ", n.Provider, " ", n.Accounts()))
			}
		}
		open, holdErr := store.OpenHolds(ctx)
		for _, h := range open {
			holds = append(holds, fmt.Sprint(h.RunKey, " ", h.Provider, " ", h.Why))
		}
		if holdErr != nil {
			return holdErr
		}
		return err
	})
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) || len(got) < 10 {
		t.Errorf("rehearsed:\n%s\nthe nights:\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
	var foretold []string
	for _, h := range said.Holds {
		foretold = append(foretold, fmt.Sprint(h.Run, " ", h.Provider, " ", h.Why))
	}
	if !slices.Equal(foretold, holds) || len(holds) != 1 {
		t.Errorf("rehearsed holds %q, the nights' %q", foretold, holds)
	}
	if o := s.do("rehearse", "--change", "nobody-announced-this"); o.code != exit.Usage || !strings.Contains(o.stderr, "microsoft-basic-auth") {
		t.Errorf("an unknown change: %d %s", o.code, o.stderr)
	}
}

func (s *scene) lastNotice() (id int64) {
	s.inStore(func(ctx context.Context, store app.Storage) error {
		all, err := store.ListNotices(ctx, "", "", 1)
		if len(all) > 0 {
			id = all[0].ID
		}
		return err
	})
	return id
}

// contents is what the embedded database holds.
func (s *scene) contents() string {
	if !s.isEmbedded() {
		return ""
	}
	all, err := os.ReadFile(s.path("mailaudit.db"))
	s.need(err)
	return string(all)
}
