package scenario

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

const appPassword = "abcdefghijklmnop"

// tenNights has accounts fail, change their cause, go silent, recover and leave, and keeps what each night's
// report said when it was published.
func tenNights(t *testing.T) (s *scene, published map[string][]byte) {
	t.Helper()
	s = newScene(t)
	s.play(sim.Google(), sim.Mood{})
	s.settings["report"] = `{dir: "` + s.path("reports") + `"}`
	s.settings["time_zone"] = "America/Chicago"
	s.settings["recheck_refused"] = "1h" // every night asks everybody
	accepted := sim.Account{Password: "own", TwoFactor: true, AppPasswords: []string{appPassword}}
	refused := sim.Account{Password: "own", TwoFactor: true}
	var rows []row
	for i := range 12 {
		id := fmt.Sprintf("a%02d", i)
		s.world.Set(id+"@gmail.com", accepted)
		rows = append(rows, row{"account_id": id, "tenant_id": fmt.Sprintf("T-%d", i/2), "tenant_name": "Clinic", "address": id + "@gmail.com",
			"secret": appPassword, "contact_email": id + "@customers.example"})
	}
	s.install(rows...)
	published = map[string][]byte{}
	for night := range 10 {
		switch night {
		case 1, 4:
			s.world.Set("a01@gmail.com", refused)
			s.world.Set("a02@gmail.com", refused)
		case 3:
			s.world.Set("a01@gmail.com", accepted)
		case 5:
			s.world.Set("a03@gmail.com", refused)
		case 7:
			rows[4]["tenant_name"] = "Clinic renamed"
			s.imported(rows...)
		case 8:
			s.world.Set("a03@gmail.com", accepted)
			s.done("accounts", "remove", "a11")
		}
		s.atNight(night)
		key := fmt.Sprintf("night-%d", night)
		s.done("run", "--key", key)
		data, err := os.ReadFile(s.path(filepath.Join("reports", key, "report.json")))
		s.need(err)
		published[key] = data
	}
	return s, published
}

// lasting is what of a report does not go on after its night.
func lasting(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	delete(r, "notices")
	for _, f := range r["findings"].([]any) {
		for _, name := range []string{"notice", "last_notified_at", "notice_number", "next_reminder_at"} {
			delete(f.(map[string]any), name)
		}
	}
	return r
}

func TestOldNightsAreRebuiltExactly(t *testing.T) {
	t.Parallel()
	s, published := tenNights(t)
	failing := 0
	for key, was := range published {
		now := s.done("report", key, "--format", "json")
		if !reflect.DeepEqual(lasting(t, was), lasting(t, []byte(now))) {
			t.Errorf("%s was published as\n%s\nand is rebuilt as\n%s", key, was, now)
		}
		failing += strings.Count(now, `"verdict":"revoked"`)
	}
	if failing < 5 {
		t.Errorf("only %d findings over all nights", failing)
	}

	s.done("evidence", "--from", "2020-01-01", "--to", "2040-01-01", "--out", s.path("pack.zip"))
	pack := unzipped(t, s.path("pack.zip"))
	digests := pack.table("digests.csv")
	if len(digests) != len(published)+1 {
		t.Errorf("%d digests", len(digests)-1)
	}
	for _, d := range digests[1:] {
		if d[3] != "same" || len(d[1]) != 64 {
			t.Errorf("digest of %v", d)
		}
	}
	if coverage := pack.table("coverage.csv"); len(coverage) != 11 || coverage[1][3] != "12" || coverage[10][3] != "11" {
		t.Errorf("coverage %v", coverage)
	}
	open := pack.table("exceptions.csv")
	if len(open) != 3 || open[1][0] != "a02" || open[1][6] != "8" || open[2][0] != "a01" || open[2][6] != "5" {
		t.Errorf("exceptions %v", open)
	}
	if repairs := pack.table("repairs.csv"); len(repairs) != 2 || repairs[1][1] != "2" || repairs[1][3] != "3" {
		t.Errorf("repairs %v", repairs)
	}
	sums := string(pack["SHA256SUMS"])
	for name, content := range pack {
		if line := fmt.Sprintf("%x  %s\n", sha256.Sum256(content), name); name != "SHA256SUMS" && !strings.Contains(sums, line) {
			t.Errorf("SHA256SUMS lacks %s", line)
		}
	}
}

type packed map[string][]byte

func unzipped(t *testing.T, path string) packed {
	t.Helper()
	r, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	files := packed{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name], err = io.ReadAll(in)
		in.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func (p packed) table(name string) [][]string {
	rows, err := csv.NewReader(strings.NewReader(string(p[name]))).ReadAll()
	if err != nil {
		panic(err)
	}
	return rows
}

func TestEvidenceUsage(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.install(row{"account_id": "a", "tenant_id": "T", "address": "front@gmail.com", "secret": "pw"})
	for _, days := range [][2]string{{"yesterday", "2026-01-01"}, {"2026-01-01", "2026-13-01"}, {"2026-02-01", "2026-01-01"}} {
		if o := s.do("evidence", "--from", days[0], "--to", days[1], "--out", s.path("x.zip")); o.code != exit.Usage {
			t.Errorf("%v: exit %d, %s", days, o.code, o.stderr)
		}
	}
	s.done("evidence", "--from", "2026-01-01", "--to", "2026-01-01", "--out", s.path("empty.zip"))
	if rows := unzipped(t, s.path("empty.zip")).table("coverage.csv"); len(rows) != 1 {
		t.Errorf("coverage of no nights: %v", rows)
	}
}
