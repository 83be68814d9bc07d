package page_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailaudit/audit"
	"mailaudit/report"
	"mailaudit/report/page"
	"mailaudit/report/reporttest"
)

func TestIndexLinksTheReportsThatAreThere(t *testing.T) {
	n := reporttest.Typical()
	n.Title = func(string) string { return "Google" }
	held := &n.Store.Runs[3]
	held.Numbers.Providers = map[string]*audit.ProviderNumbers{"google": {Held: true}}
	dir := t.TempDir()
	there := n.Store.Runs[3].Key
	if err := report.WriteDir(dir, there, report.File{Name: report.PageFile, Write: func(w io.Writer) error { return nil }}); err != nil {
		t.Fatal(err)
	}
	runs := append(n.Store.Runs, audit.Run{Key: "custom", Status: audit.RunStopped, Scope: audit.Scope{Tenant: "<b>T</b>"}})
	err := report.WriteTop(dir, report.File{Name: report.IndexFile, Write: func(w io.Writer) error {
		return page.WriteIndex(w, dir, runs, n.Options)
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, report.IndexFile))
	if err != nil {
		t.Fatal(err)
	}
	if links := bytes.Count(got, []byte("<a href=")); links != 1 || !strings.Contains(string(got), `<a href="`+there+`/report.html">`) {
		t.Errorf("%d links", links)
	}
	for _, want := range []string{"Mon 23 Nov 2026 03:00", "12,008", "Google", "partial run: tenant &lt;b&gt;T&lt;/b&gt;"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("the index does not say %q", want)
		}
	}
}
