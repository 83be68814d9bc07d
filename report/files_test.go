package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/report"
	"mailaudit/report/reporttest"
)

// jsonReport is the JSON report as operators decode it.
type jsonReport struct {
	Run struct {
		Key        string    `json:"key"`
		Status     string    `json:"status"`
		StartedAt  time.Time `json:"started_at"`
		FinishedAt string    `json:"finished_at"`
		Accounts   int       `json:"accounts"`
		Verified   int       `json:"verified"`
	} `json:"run"`
	Verdicts  map[string]int `json:"verdicts"`
	Providers []struct {
		Provider   string         `json:"provider"`
		Accounts   int            `json:"accounts"`
		Verdicts   map[string]int `json:"verdicts"`
		TwoFactor  map[string]int `json:"two_factor"`
		Held       bool           `json:"held"`
		HoldReason string         `json:"hold_reason"`
	} `json:"providers"`
	Changes struct {
		NewlyFailing int `json:"newly_failing"`
		Recovered    int `json:"recovered"`
		StillFailing int `json:"still_failing"`
	} `json:"changes"`
	Notices struct {
		Sent       int `json:"sent"`
		Queued     int `json:"queued"`
		Held       int `json:"held"`
		Failed     int `json:"failed"`
		Ambiguous  int `json:"ambiguous"`
		Shadowed   int `json:"shadowed"`
		Suppressed int `json:"suppressed"`
	} `json:"notices"`
	Findings []struct {
		AccountID  string `json:"account_id"`
		TenantID   string `json:"tenant_id"`
		TenantName string `json:"tenant_name"`
		Provider   string `json:"provider"`
		Address    string `json:"address"`
		Verdict    string `json:"verdict"`
		TwoFactor  string `json:"two_factor"`
		Previous   string `json:"previous"`
		Since      string `json:"since"`
		Reply      string `json:"reply"`
		Rule       string `json:"rule"`
		Carried    bool   `json:"carried"`
		Notice     string `json:"notice"`

		Cause        string     `json:"cause"`
		LastNotified *time.Time `json:"last_notified_at"`
		Number       *string    `json:"notice_number"`
		NextReminder *time.Time `json:"next_reminder_at"`
	} `json:"findings"`
	UnknownReplies []struct {
		Provider string `json:"provider"`
		Reply    string `json:"reply"`
		Count    int    `json:"count"`
	} `json:"unknown_replies"`
	Quality   audit.Quality `json:"quality"`
	Reversals []struct {
		AccountID string `json:"account_id"`
		TenantID  string `json:"tenant_id"`
		Provider  string `json:"provider"`
		Verdict   string `json:"verdict"`
		Rule      string `json:"rule"`
		Told      bool   `json:"told"`
		Run       string `json:"run"`
	} `json:"reversals"`
}

func decode(t *testing.T, n reporttest.Night, s *report.Summary) jsonReport {
	t.Helper()
	var out bytes.Buffer
	if err := s.WriteJSON(t.Context(), &out, n.Store); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(&out)
	dec.DisallowUnknownFields()
	var r jsonReport
	if err := dec.Decode(&r); err != nil {
		t.Fatalf("%s: %v", n.Name, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		t.Errorf("%s: something follows the report", n.Name)
	}
	return r
}

func TestJSON(t *testing.T) {
	for _, n := range reporttest.Nights() {
		r := decode(t, n, build(t, n))
		if len(r.Verdicts) != len(audit.Verdicts) {
			t.Errorf("%s: %d verdicts, want all %d", n.Name, len(r.Verdicts), len(audit.Verdicts))
		}
		if r.Providers == nil || r.Findings == nil || r.UnknownReplies == nil {
			t.Errorf("%s: a list is null", n.Name)
		}
		findings := map[string]int{}
		for _, f := range r.Findings {
			findings[f.Verdict]++
			if strings.Contains(f.Address, reporttest.Canary) {
				t.Fatalf("%s: an open mailbox: %s", n.Name, f.Address)
			}
		}
		if n.Name == "mismatch" {
			continue
		}
		total := 0
		for v, count := range r.Verdicts {
			total += count
			if v != "compliant" && findings[v] != count {
				t.Errorf("%s: %d findings of %s, want %d", n.Name, findings[v], v, count)
			}
		}
		if total != r.Run.Accounts || findings["compliant"] > 0 {
			t.Errorf("%s: verdicts add up to %d of %d accounts; %d findings are compliant", n.Name, total, r.Run.Accounts, findings["compliant"])
		}
	}
}

func TestFullAddresses(t *testing.T) {
	n := reporttest.First()
	n.FullAddresses = true
	s := build(t, n)
	var out bytes.Buffer
	if err := s.WriteCSV(t.Context(), &out, n.Store); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), reporttest.Canary+"0@google.example") {
		t.Error("CSV masks addresses that were asked for in full")
	}
	if r := decode(t, n, s); !strings.HasPrefix(r.Findings[0].Address, reporttest.Canary) {
		t.Errorf("JSON masks addresses that were asked for in full: %s", r.Findings[0].Address)
	}
}

func TestNoticesUnderWayCountAsQueued(t *testing.T) {
	n := reporttest.First()
	for i, state := range []audit.NoticeState{audit.NoticeForming, audit.NoticeSending, audit.NoticeQueued} {
		n.Store.Notices[i].State = state
		n.Store.Accounts[180+i].Notice = state
	}
	n.Store.Accounts[183].Notice = ""
	r := decode(t, n, build(t, n))
	if r.Notices.Queued != 3 || r.Notices.Shadowed != 21 {
		t.Errorf("notices: %+v", r.Notices)
	}
	for i, want := range []string{"queued", "queued", "queued", "none"} {
		if got := r.Findings[i].Notice; got != want {
			t.Errorf("finding %d has notice %q, want %q", i, got, want)
		}
	}
}

func TestCSVIsSafeInASpreadsheet(t *testing.T) {
	n := reporttest.Hostile()
	var out bytes.Buffer
	if err := build(t, n).WriteCSV(t.Context(), &out, n.Store); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(rows[0], ","); got != "account_id,tenant_id,tenant_name,provider,address,verdict,two_factor,previous,since,rule,notice" {
		t.Errorf("columns: %s", got)
	}
	if len(rows)-1 != len(n.Store.Accounts) {
		t.Errorf("%d rows for %d accounts", len(rows)-1, len(n.Store.Accounts))
	}
	apostrophes := 0
	for _, row := range rows[1:] {
		for _, cell := range row {
			// Some programs part cells at other signs than the comma, whatever the quotes say.
			for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";\t\r\n|", r) }) {
				if bare := strings.TrimLeft(part, " \""); bare != "" && strings.ContainsAny(bare[:1], "=+-@") {
					t.Errorf("a formula: %q of %q", part, cell)
				}
			}
			if cell != "" && strings.ContainsAny(cell[:1], "\t\r\n\x00") {
				t.Errorf("begins with a control sign: %q", cell)
			}
			if strings.HasPrefix(cell, "'") {
				apostrophes++
			}
		}
	}
	if apostrophes == 0 {
		t.Error("no cell was made harmless")
	}
}

func TestCellsAreSafeBehindOtherSeparators(t *testing.T) {
	for in, want := range map[string]string{
		"Clinic 4711":      "Clinic 4711",
		"a;b\tc|d":         "a;b\tc|d",
		"=1+1":             "'=1+1",
		"x;=1+1":           "x;'=1+1",
		"x;;+1;-2":         "x;;'+1;'-2",
		"x\t@SUM(A1)":      "x\t'@SUM(A1)",
		"x\n=1":            "x\n'=1",
		"x|=cmd":           "x|'=cmd",
		`x;"=1"`:           `x;'"=1"`,
		"x;  =1":           "x;'  =1",
		"  =1":             "'  =1",
		"x;\uff1d1":        "x;'\uff1d1",
		"\t=1":             "'\t'=1",
		"e-mail; 555-0142": "e-mail; 555-0142",
		";":                ";",
		"":                 "",
	} {
		if got := report.Cell(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Whoever may put a link into report.dir chooses neither where a report is written nor what is removed.
func TestReportDirFollowsNoLink(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	one := report.File{Name: report.JSONFile, Write: func(w io.Writer) error { _, err := io.WriteString(w, "{}"); return err }}
	precious := filepath.Join(outside, report.JSONFile)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(precious, []byte("precious"), 0o600))
	must(report.WriteDir(dir, "inside", one))
	must(os.Symlink(outside, filepath.Join(dir, "away")))
	must(os.Symlink("inside", filepath.Join(dir, "sideways")))
	for _, key := range []string{"away", "sideways"} {
		if err := report.WriteDir(dir, key, one); err == nil || !strings.Contains(err.Error(), "link") {
			t.Errorf("written into %s: %v", key, err)
		}
		if err := report.RemoveDir(dir, key); err == nil {
			t.Errorf("removed from %s", key)
		}
	}
	// A link in a file's place is replaced, and what it leads to stays.
	for _, name := range []string{report.JSONFile, fmt.Sprintf(".%s.%d", report.JSONFile, os.Getpid())} {
		os.Remove(filepath.Join(dir, "inside", name))
		must(os.Symlink(precious, filepath.Join(dir, "inside", name)))
		must(report.WriteDir(dir, "inside", one))
	}
	if got, err := os.ReadFile(precious); err != nil || string(got) != "precious" {
		t.Errorf("outside of report.dir: %q, %v", got, err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "inside", report.JSONFile)); err != nil || string(got) != "{}" {
		t.Errorf("the report: %q, %v", got, err)
	}
	for name, most := range map[string]os.FileMode{"inside": 0o750, "inside/" + report.JSONFile: 0o640} {
		if info, err := os.Lstat(filepath.Join(dir, name)); err != nil || info.Mode().Perm()&^most != 0 {
			t.Errorf("%s: mode %v, %v; want no more than %o", name, info.Mode(), err, most)
		}
	}
}

func TestWriteDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "if missing")
	says := func(text string) report.File {
		return report.File{Name: report.JSONFile, Write: func(w io.Writer) error { _, err := io.WriteString(w, text); return err }}
	}
	if err := report.WriteDir(dir, "2026-11-23", says("one")); err != nil {
		t.Fatal(err)
	}
	broken := report.File{Name: report.JSONFile, Write: func(w io.Writer) error {
		io.WriteString(w, "half")
		return errors.New("disk full")
	}}
	if err := report.WriteDir(dir, "2026-11-23", broken); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("a broken file: %v", err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "2026-11-23", report.JSONFile)); string(got) != "one" {
		t.Errorf("after a broken write the file says %q", got)
	}
	if err := report.WriteDir(dir, "2026-11-23", says("two")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "2026-11-23"))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	for _, key := range []string{"..", ".", "", "a/b", "../x", "/etc"} {
		if err := report.WriteDir(dir, key, says("x")); err == nil {
			t.Errorf("key %q was accepted", key)
		}
	}
}
