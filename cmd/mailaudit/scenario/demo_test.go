package scenario

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/cli"
	"mailaudit/cmd/mailaudit/exit"
)

// playDemo runs the command as a newcomer would and returns its code and what it printed.
func playDemo(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Run(t.Context(), append([]string{"demo"}, args...), app.Env{LookupEnv: variables(nil), Stdout: &out, Stderr: &errs})
	return code, out.String(), errs.String()
}

func TestDemoLeavesAFolderToLookAt(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "left")
	args := []string{"--accounts", "60", "--nights", "2", "--out", dir}
	code, stdout, stderr := playDemo(t, args...)
	if code != exit.Done {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var posts []json.RawMessage
	readJSON(t, filepath.Join(dir, "slack.json"), &posts)
	if len(posts) < 2 {
		t.Errorf("%d messages of 2 nights", len(posts))
	}
	mails, err := filepath.Glob(filepath.Join(dir, "notices", "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	said := 0
	for _, m := range regexp.MustCompile(`mails to customers: (\d+)`).FindAllStringSubmatch(stdout, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		said += n
	}
	if len(mails) == 0 || len(mails) != said {
		t.Errorf("%d mails are left, and %d were spoken of:\n%s", len(mails), said, stdout)
	}
	var report struct {
		Run struct {
			Status   string
			Accounts int
		}
		Verdicts map[string]int
	}
	readJSON(t, filepath.Join(dir, "report.json"), &report)
	sum := 0
	for _, n := range report.Verdicts {
		sum += n
	}
	if report.Run.Status != "concluded" || report.Run.Accounts != 60 || sum != 60 {
		t.Errorf("report of the last night: %+v", report)
	}
	if page, err := os.ReadFile(filepath.Join(dir, "report.html")); err != nil || !bytes.Contains(page, []byte("</html>")) {
		t.Errorf("page of %d bytes: %v", len(page), err)
	}

	// A demo replaces what a demo has left, and nothing else.
	if code, _, stderr := playDemo(t, "--accounts", "1", "--nights", "1", "--out", dir); code != exit.Done {
		t.Errorf("again: exit %d: %s", code, stderr)
	}
	foreign := t.TempDir()
	precious := filepath.Join(foreign, "precious.txt")
	if err := os.WriteFile(precious, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := playDemo(t, "--accounts", "1", "--nights", "1", "--out", foreign); code != exit.Usage {
		t.Errorf("into somebody's folder: exit %d, want %d", code, exit.Usage)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
