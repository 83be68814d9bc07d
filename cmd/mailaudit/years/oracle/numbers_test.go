package oracle

import (
	"archive/zip"
	"bytes"
	"os"
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/years/observe"
)

// shown is the evening of a finding's second night, with one form changed; the first old stands for the new text.
func shown(t *testing.T, form, old, changed string) *tale {
	s := refusedTwice(t)
	s.mail("finding", "a-1")
	s.evening(func(forms map[string]string) {
		if !strings.Contains(forms[form], old) {
			t.Fatalf("no %q in %s", old, forms[form])
		}
		forms[form] = strings.Replace(forms[form], old, changed, 1)
	})
	return s
}

func TestNumbersAddUp(t *testing.T) {
	for old, changed := range map[string]string{
		`"accounts":2`:      `"accounts":3`,
		`"verified":2`:      `"verified":1`,
		`"revoked":1`:       `"invalid":1`,
		`"still_failing":1`: `"still_failing":0`,
		`"newly_failing":0`: `"newly_failing":1`,
		`"previous":"revo`:  `"previous":"com`,
	} {
		shown(t, "json", old, changed).broken("numbers add up", "three")
	}
	shown(t, "csv", "a-2,T-2,,google,,compliant", "a-2,T-2,,google,,unverified").reported("numbers add up")
	shown(t, "json", `"held":false`, `"held":true`).broken("numbers add up", "held")
}

func TestFormsAgree(t *testing.T) {
	shown(t, "text", "New *0*", "New *1*").broken("forms agree", "text")
	shown(t, "text", "revoked   1", "revoked   2").broken("forms agree", "2 revoked")
	shown(t, "html", "open *1*", "open *2*").broken("forms agree", "html")
	shown(t, "slack", "2 accounts", "3 accounts").broken("forms agree", "slack")
	shown(t, "slack", "2 accounts", "Something else").broken("forms agree", "no numbers")
}

func TestSlackTellsTheRunsNumbers(t *testing.T) {
	s := refusedTwice(t)
	s.see(observe.SlackCall{Method: "chat.update", Run: "three", Text: s.prose(figures{2, 0, 0, 7}), Arrived: true})
	s.evening()
	s.broken("Slack agrees", "open:7")
}

func TestNoticesAgree(t *testing.T) {
	shown(t, "json", `"sent":1`, `"sent":2`).reported("notices agree")
	s := refusedTwice(t)
	s.mail("finding", "a-1")
	s.evening(func(forms map[string]string) {
		forms["csv"] = strings.Replace(forms["csv"], ",sent", ",queued", 1)
		forms["json"] = strings.Replace(forms["json"], `"notice":"sent"`, `"notice":"queued"`, 1)
	})
	s.broken("notices agree", "a-1", "queued")
}

func TestExplainAgrees(t *testing.T) {
	explain := func(nights string) *tale {
		s := refusedTwice(t)
		s.mail("finding", "a-1")
		s.evening()
		s.see(observe.Shown{Form: "explain", Subject: "a-1", Body: []byte("account a-1, tenant T-1, google: revoked since 2026-03-03T02:15:00Z\n" + nights)})
		return s
	}
	explain("two    revoked  not told: night 1 of 2\nthree  revoked  told: M-1, first notice, sent 2026-03-04 09:00 UTC\n").fine()
	explain("three  invalid  told: M-1, first notice, sent 2026-03-04 09:00 UTC\n").broken("explain agrees", "invalid", "revoked")
	explain("three  revoked  told: M-7, first notice, sent 2026-03-04 09:00 UTC\n").broken("explain agrees", "M-7")
	explain("three  revoked  not told: night 1 of 2\n").broken("explain agrees", "did not tell", "M-1")
	explain("").broken("explain agrees", "no nights")
}

func TestAccountStatusAgrees(t *testing.T) {
	status := func(rows ...observe.StatusRow) *tale {
		s := refusedTwice(t)
		s.mail("finding", "a-1")
		s.db.Status = rows
		s.evening()
		return s
	}
	status(observe.StatusRow{Account: "a-1", Tenant: "T-1", Verdict: "revoked", NoticeNumber: 1}, observe.StatusRow{Account: "a-2", Tenant: "T-2", Verdict: "compliant"}).fine()
	status(observe.StatusRow{Account: "a-1", Tenant: "T-1", Verdict: "compliant"}).broken("account_status agrees", "compliant", "revoked")
	status(observe.StatusRow{Account: "a-1", Tenant: "T-1", Verdict: "revoked", NoticeNumber: 7}).broken("account_status agrees", "M-7")
	status(observe.StatusRow{Account: "a-2", Tenant: "T-2", Verdict: "compliant", NoticeNumber: 1}).broken("account_status agrees", "T-1 and others")
}

func TestEvidenceAgrees(t *testing.T) {
	evidence := func(change func(files map[string]string)) *tale {
		s := refusedTwice(t)
		s.evening()
		files := map[string]string{
			"coverage.csv":              "run,status,accounts\nthree,concluded,2\n",
			"digests.csv":               "run,kept,rebuilt,compared\nthree,abc,abc,same\n",
			"nights/three/report.json":  s.forms("three")["json"],
			"nights/three/accounts.csv": s.forms("three")["csv"],
		}
		change(files)
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for name, body := range files {
			f, err := z.Create(name)
			if err == nil {
				_, err = f.Write([]byte(body))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		s.see(observe.Shown{Form: "evidence", Subject: "2026-03-01..2026-03-04", Body: b.Bytes()})
		return s
	}
	evidence(func(map[string]string) {}).fine()
	evidence(func(f map[string]string) { f["coverage.csv"] = "run,status,accounts\nthree,concluded,5\n" }).broken("evidence agrees", "5")
	evidence(func(f map[string]string) { f["digests.csv"] = "run,kept,rebuilt\nthree,abc,abd\n" }).broken("evidence agrees", "abd")
	evidence(func(f map[string]string) {
		f["nights/three/report.json"] = strings.Replace(f["nights/three/report.json"], `"verdict":"revoked"`, `"verdict":"invalid"`, 1)
	}).broken("evidence agrees", "another report")
}

func TestADigestStays(t *testing.T) {
	shown(t, "digest rebuilt", "three", "fourth").broken("digest", "fourth")

	s := refusedTwice(t)
	s.mail("finding", "a-1")
	s.evening()
	s.at("2026-03-05 02:15")
	s.run("four")
	s.evening()
	s.see(observe.Shown{Form: "digest rebuilt", Subject: "two", Body: []byte("another")})
	s.broken("digest", "run two", "another")

	s = refusedTwice(t)
	s.evening()
	s.do("accounts purge --tenant T-9")
	s.evening(func(forms map[string]string) {})
	s.see(observe.Shown{Form: "digest rebuilt", Subject: "two", Body: []byte("another")})
	s.fine()
}

func TestAVerdictIsWhatTheLastAnswerSays(t *testing.T) {
	verdict := func(account, is string) *tale {
		s := refusedTwice(t)
		for i := range s.lines["three"] {
			if l := &s.lines["three"][i]; l.account == account {
				l.verdict, l.previous = is, is
			}
		}
		s.evening()
		return s
	}
	verdict("a-2", "revoked").reported("verdict follows answer")
	verdict("a-1", "compliant").reported("verdict follows answer")
	verdict("a-1", "app_password_required").reported("verdict follows answer")

	s := begin(t) // never accepted, so it cannot be revoked
	s.breaks("a-1")
	s.at("2026-03-02 02:15")
	s.run("one")
	s.lines["one"][0].verdict = "revoked"
	s.evening()
	s.broken("verdict follows answer", "never accepted")
}

// The forms as the program writes them: kept from a demo, so that the readers here read what there is.
func TestTheProgramsOwnFormsAreRead(t *testing.T) {
	for name, want := range map[string]figures{
		"quiet.txt": {300, 1, 3, 38}, "quiet.html": {300, 1, 3, 38}, "quiet-slack.json": {300, 1, 3, 38}, "held-slack.json": {300, 5, 0, 43},
	} {
		body, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(body)
		if strings.HasSuffix(name, ".json") {
			text = slackText(body)
		}
		if got, err := readProse(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if strings.HasSuffix(name, ".json") {
			continue
		}
		verdicts := verdictsIn(text, append(append(failing, fine...), "unverified"))
		if len(verdicts) != 8 || verdicts["compliant"] != 239 || verdicts["unproven"] != 23 || verdicts["single_factor"] != 13 || verdicts["method_retired"] != 14 {
			t.Errorf("%s: %v", name, verdicts)
		}
	}
}
