package scenario

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// TestGuideIsASetUpPageUnlessItIsForAVerdict, and facts that are due are listed and named by doctor.
func TestGuideIsASetUpPageUnlessItIsForAVerdict(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	s.world.Set("good@gmail.com", sim.Account{Password: "own", AppPasswords: []string{appPassword}, TwoFactor: true})
	s.install(row{"account_id": "good", "tenant_id": "T-1", "address": "good@gmail.com", "secret": appPassword})
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"guide", "google"}, "Make an app password (app code) for Gmail\n==="},
		{[]string{"guide", "yahoo", "--brand", "aol", "--locale", "es-MX"}, "Crear una contraseña de aplicación (código) para AOL Mail\n==="},
		{[]string{"guide", "microsoft", "--brand", "outlook"}, "Outlook.com, Hotmail, Live and MSN: choose another mailbox for ClinicSource\n==="},
		{[]string{"guide", "google", "--verdict", "revoked"}, "Subject: Your clinic's Gmail stopped sending from ClinicSource\n"},
		{[]string{"guide", "google", "--format", "eml"}, "Subject: Make an app password (app code) for Gmail\r\n"},
		{[]string{"guide", "--stale", "180d"}, "no fact of a guide was seen longer ago than 180d\n"},
	} {
		if out := s.done(c.args...); !strings.Contains(out, c.says) {
			t.Errorf("%v does not say %q:\n%.300s", c.args, c.says, out)
		}
	}
	s.fails(exit.Usage, "need --verdict", "guide", "microsoft", "--actor", "administrator")
	s.fails(exit.Usage, "--format json needs --stale", "guide", "google", "--format", "json")
	s.fails(exit.Usage, "is not a duration", "guide", "--stale", "soon")

	dir := s.path("guides")
	s.need(os.MkdirAll(filepath.Join(dir, "zoho"), 0o755))
	s.need(os.WriteFile(filepath.Join(dir, "zoho", "facts.txt"), []byte("2019-03-04 https://help.example/zoho Our clinics use smtp.zoho.eu.\n"), 0o644))
	s.settings["notices"] = inYAML(map[string]any{"guides_dir": dir})
	var due []struct {
		Provider, Fact, Source, Seen string
		Days                         int
	}
	s.need(json.Unmarshal([]byte(s.done("guide", "--stale", "180d", "--format", "json")), &due))
	if len(due) != 1 || due[0].Provider != "zoho" || due[0].Seen != "2019-03-04" || due[0].Days < 2000 || due[0].Source != "https://help.example/zoho" {
		t.Errorf("due: %+v", due)
	}
	for _, line := range strings.Split(s.done("guide", "zoho", "--stale", "180d"), "\n") {
		if len([]rune(line)) > 80 {
			t.Errorf("a line of %d columns: %s", len(line), line)
		}
	}
	if out := s.done("guide", "google", "--stale", "180d", "--format", "json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("google's facts: %s", out)
	}
	if out := s.do("doctor").stdout; !strings.Contains(out, "Zoho's has 1 fact seen more than 180 days ago; mailaudit guide zoho --stale 180d lists") {
		t.Errorf("doctor does not name the guide:\n%s", out)
	}
}

// TestTheMailNamesTheMailbox: in full to a colleague at the clinic's own domain, masked to a stranger's eye.
func TestTheMailNamesTheMailbox(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	var rows []row
	for id, contact := range map[string]string{"colleague": "maria@sunrise.example", "elsewhere": "billing.office@gmail.com"} {
		s.world.Set(id+"@sunrise.example", sim.Account{Password: "own", AppPasswords: []string{appPassword}, TwoFactor: true})
		rows = append(rows, row{"account_id": "acc " + id, "tenant_id": "T-" + id, "tenant_name": "Sunrise " + id, "contact_email": contact,
			"address": id + "@sunrise.example", "secret": appPassword, "host": "smtp.gmail.com"})
	}
	s.install(rows...)
	s.settings["notices"] = inYAML(map[string]any{
		"mode": "live", "send_between": "", "confirm_nights": 1, "settings_url": "https://app.clinic.example/{tenant_id}/mail/{account_id}",
		"support": "ClinicSource Support, 555-0142", "unsent_mail": "Unsent email is kept for three days.",
	})
	s.done("run")
	for id := range map[string]bool{"colleague": true, "elsewhere": true} {
		s.world.Set(id+"@sunrise.example", sim.Account{Password: "own", TwoFactor: true})
	}
	s.atNight(1)
	s.done("run")
	texts := map[string]string{}
	for _, m := range s.relay.Messages() {
		texts[m.To[0]] = strings.NewReplacer("=\r\n", "", "\r\n", "\n", "=3D", "=", "=E2=80=A2", "•").Replace(string(m.Data))
	}
	for contact, want := range map[string][]string{
		"maria@sunrise.example":    {"Clinic: Sunrise colleague\nMailbox: colleague@sunrise.example\nQuestions? ClinicSource Support, 555-0142", "https://app.clinic.example/T-colleague/mail/acc%20colleague", "Unsent email is kept for three days."},
		"billing.office@gmail.com": {"Clinic: Sunrise elsewhere\nMailbox: el•••••@sunrise.example\n", "https://app.clinic.example/T-elsewhere/mail/acc%20elsewhere"},
	} {
		for _, w := range want {
			if !strings.Contains(texts[contact], w) {
				t.Errorf("to %s: no %q in\n%.900s", contact, w, texts[contact])
			}
		}
	}
	if strings.Contains(texts["billing.office@gmail.com"], "elsewhere@") {
		t.Error("a contact elsewhere is told the mailbox in full")
	}
}
