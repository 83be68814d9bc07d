package scenario

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/cli"
	"mailaudit/cmd/mailaudit/config"
)

const deployDir = "../../../deploy"

func deployFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deployDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every configuration in deploy/ is one that the program starts with.
func TestDeployedConfigurations(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"kubernetes/overlays/cronjob/mailaudit.yaml", "kubernetes/overlays/serve/mailaudit.yaml",
		"systemd/mailaudit.yaml", "compose/mailaudit.yaml",
	} {
		dir := t.TempDir()
		for file, text := range map[string]string{
			"database": "postgres://mailaudit:pw@db.example.com:5432/mailaudit?sslmode=verify-full", "relay-password": "pw",
			"slack-token": "xoxb-1", "dead-man-url": "https://watch.example.com/ping/1",
		} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		text := strings.NewReplacer("${file:/run/secrets/mailaudit/", "${file:"+dir+"/", "${file:/etc/mailaudit/", "${file:"+dir+"/").
			Replace(deployFile(t, name))
		path := filepath.Join(dir, "mailaudit.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(path, variables(nil))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.Notices.Mode != "shadow" {
			t.Errorf("%s begins with notices.mode %s", name, c.Notices.Mode)
		}
		if strings.HasPrefix(name, "kubernetes") && (c.Schedule.Times == nil) != strings.Contains(name, "cronjob") {
			t.Errorf("%s: schedule %q", name, c.Schedule.Spec)
		}
	}
}

// What the runbook has people type is there.
func TestRunbookCommands(t *testing.T) {
	t.Parallel()
	found := 0
	for _, name := range []string{"README.md", "RUNBOOK.md", "SECURITY.md", "openers/README.md"} {
		for _, line := range commandsOf(deployFile(t, name)) {
			found++
			if err := parses(line); err != nil {
				t.Errorf("%s: mailaudit %s: %v", name, line, err)
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d commands found", found)
	}
	if parses("run --fast") == nil || parses("no such") == nil {
		t.Error("everything parses")
	}
}

var (
	inlineCode = regexp.MustCompile("`(mailaudit [a-z][^`]*)`")
	invoked    = regexp.MustCompile(`(?:^|-- |sudo -u mailaudit |run --rm (?:-T )?)mailaudit ((?:--config \S+ )?[a-z][^|<>;&#]*)`)
)

// commandsOf gives the arguments of each call of the program in fenced blocks and in code within the text.
func commandsOf(markdown string) (all []string) {
	for i, part := range strings.Split(markdown, "```") {
		if i%2 == 1 {
			block := strings.ReplaceAll(strings.TrimPrefix(part, "sh"), "\\\n", " ")
			for line := range strings.Lines(block) {
				if m := invoked.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
					all = append(all, strings.TrimSpace(m[1]))
				}
			}
			continue
		}
		for _, m := range inlineCode.FindAllStringSubmatch(strings.ReplaceAll(part, "\n", " "), -1) {
			all = append(all, strings.TrimSpace(strings.TrimPrefix(m[1], "mailaudit ")))
		}
	}
	return all
}

var (
	unitName  = regexp.MustCompile(`\bmailaudit[a-z-]*\.(?:service|timer)\b`)
	deployed  = regexp.MustCompile(`\bdeploy/[a-zA-Z0-9_/.*-]*[a-zA-Z0-9]`)
	disabling = regexp.MustCompile(`(?m)^systemctl disable .*$`)
)

// The runbook names files and units that are there, and its last section takes away every unit that can be enabled.
func TestRunbookFiles(t *testing.T) {
	t.Parallel()
	book := deployFile(t, "README.md")
	for _, path := range deployed.FindAllString(book, -1) {
		if path == "deploy/mailaudit" {
			continue // the Deployment
		}
		if found, err := filepath.Glob(filepath.Join(deployDir, "..", path)); err != nil || len(found) == 0 {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, unit := range unitName.FindAllString(book, -1) {
		deployFile(t, "systemd/"+unit)
	}
	_, uninstall, _ := strings.Cut(book, "\n## Uninstall\n")
	disabled := disabling.FindString(uninstall)
	units, err := filepath.Glob(filepath.Join(deployDir, "systemd", "*.[st]*[er]"))
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range units {
		name := filepath.Base(unit)
		if strings.Contains(deployFile(t, "systemd/"+name), "\n[Install]\n") && !strings.Contains(disabled, name) {
			t.Errorf("%s stays enabled after %q", name, disabled)
		}
	}
}

func parses(args string) error {
	var cli cli.CommandLine
	parser, err := kong.New(&cli, kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) {}))
	if err != nil {
		return err
	}
	_, err = parser.Parse(strings.Fields(args))
	return err
}

var metricName = regexp.MustCompile(`\bmailaudit_[a-z_]+[a-z]\b`)

// Rules, dashboard and runbook speak of metrics that exist, and the runbook of all of them.
func TestDeployedMetrics(t *testing.T) {
	t.Parallel()
	all := app.NewMetrics().Registry
	all.MustRegister(app.BuildInfo())
	families, err := all.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, f := range families {
		known = append(known, f.GetName())
	}
	for _, name := range []string{"prometheus/alerts.yaml", "prometheus/alerts_test.yaml", "grafana/mailaudit.json", "README.md"} {
		named := metricName.FindAllString(deployFile(t, name), -1)
		if len(named) == 0 {
			t.Errorf("%s names no metric", name)
		}
		for _, m := range named {
			if !slices.Contains(known, m) {
				t.Errorf("%s names %s, which does not exist", name, m)
			}
		}
		for _, m := range known {
			if name == "README.md" && !slices.Contains(named, m) {
				t.Errorf("the runbook does not know %s", m)
			}
		}
	}
	if !json.Valid([]byte(deployFile(t, "grafana/mailaudit.json"))) {
		t.Error("the dashboard is not JSON")
	}
}

// Each alert leads to its section, and each is tried.
func TestAlertsHaveTheirSection(t *testing.T) {
	t.Parallel()
	alerts := regexp.MustCompile(`alert: (\w+)[\s\S]*?runbook_url: "https://[^"]*/RUNBOOK\.md#(\w+)"`).FindAllStringSubmatch(deployFile(t, "prometheus/alerts.yaml"), -1)
	if len(alerts) < 10 {
		t.Fatalf("only %d alerts found", len(alerts))
	}
	book, tried := deployFile(t, "RUNBOOK.md"), deployFile(t, "prometheus/alerts_test.yaml")
	for _, a := range alerts {
		if a[2] != strings.ToLower(a[1]) || !strings.Contains(book, "\n## "+a[1]+"\n") {
			t.Errorf("%s has no section %q", a[1], a[2])
		}
		if !strings.Contains(tried, a[1]) {
			t.Errorf("%s is not tried", a[1])
		}
	}
}

func TestAlertRules(t *testing.T) {
	t.Parallel()
	runTool(t, "prometheus", "promtool", "check", "rules", "alerts.yaml")
	runTool(t, "prometheus", "promtool", "test", "rules", "alerts_test.yaml")
}

func TestSystemdUnits(t *testing.T) {
	t.Parallel()
	units, err := filepath.Glob(filepath.Join(deployDir, "systemd", "*.[st]*[er]"))
	if err != nil || len(units) != 5 {
		t.Fatalf("%q, %v", units, err)
	}
	dir := t.TempDir()
	var names []string
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		// The program is not installed where this is tested.
		text = bytes.ReplaceAll(text, []byte("/usr/local/bin/mailaudit"), []byte("/bin/true"))
		names = append(names, filepath.Join(dir, filepath.Base(unit)))
		if err := os.WriteFile(names[len(names)-1], text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runTool(t, "", "systemd-analyze", append([]string{"verify", "--man=no"}, names...)...)
}

// runTool runs a program in a folder of deploy/; what it says is a failure if it ends with one.
func runTool(t *testing.T, folder, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		needed(t, []string{name})
	}
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = filepath.Join(deployDir, folder)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", name, args[0], err, out)
	}
}

// The threat model names files that exist.
func TestThreatModelNamesFilesAndTests(t *testing.T) {
	t.Parallel()
	text := deployFile(t, "SECURITY.md")
	named := regexp.MustCompile("`((?:providers|audit|report|cmd|deploy)/[a-z0-9_/.]+)`").FindAllStringSubmatch(text, -1)
	if len(named) < 20 {
		t.Errorf("only %d files found", len(named))
	}
	top := os.DirFS("../../..")
	for _, m := range named {
		if _, err := fs.Stat(top, m[1]); err != nil {
			t.Error(err)
		}
	}
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := fs.WalkDir(top, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		source, err := fs.ReadFile(top, name)
		for _, m := range declared.FindAllSubmatch(source, -1) {
			there[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllStringSubmatch(text, -1)
	if len(tests) < 50 {
		t.Errorf("only %d tests found", len(tests))
	}
	for _, m := range tests {
		if !there[m[1]] {
			t.Errorf("no test is called %s", m[1])
		}
	}
}
