package scenario

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"mailaudit/providers/sim"
)

// Names that try to be more than names arrive everywhere as names, and nowhere as a mention, a tag, a
// formula or a header.
func TestNamesThatTryToBeMore(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	names := []string{"<!channel>", "<script>alert(1)</script>", "=1+1", "@everyone", "*bold*|pipe", "<https://evil.example|here>", `<img src=x onerror="document.title='owned'">`}
	var rows []row
	for i, name := range names {
		id := string(rune('a' + i))
		s.world.Set(id+"@gmail.com", sim.Account{Password: "own", TwoFactor: true})
		rows = append(rows, row{"account_id": name, "tenant_id": name, "tenant_name": name, "address": id + "@gmail.com", "secret": "abcdefghijklmnop",
			"contact_name": name, "contact_email": id + "@customers.example"})
	}
	s.settings["slack"] = strings.Replace(s.settings["slack"], "}", ", show: names}", 1)
	s.settings["report"] = `{dir: "` + s.path("reports") + `"}`
	// Half of a small provider's accounts failing at once would be held; these fail from the first night on.
	s.install(rows...)
	s.done("run", "--key", "night")

	for _, p := range s.slack.Posts() {
		for _, text := range jsonStrings(t, p.Payload) {
			for _, evil := range []string{"<!channel>", "<!everyone>", "@everyone", "<https://evil", "<script>"} {
				if strings.Contains(text, evil) {
					t.Errorf("Slack is sent %q in %q", evil, text)
				}
			}
		}
	}
	for _, m := range s.relay.Messages() {
		letter := readLetter(t, m.Data)
		if len(m.To) != 1 || len(letter.header["To"]) != 1 || letter.header["Bcc"] != nil || letter.header["Cc"] != nil {
			t.Errorf("a mail to %v with the header %v", m.To, letter.header)
		}
		checkPage(t, letter.html)
	}
	if n := len(s.relay.Messages()); n != len(names) {
		t.Errorf("%d mails, want %d", n, len(names))
	}
	folder := s.path(filepath.Join("reports", "night"))
	page, err := os.ReadFile(filepath.Join(folder, "report.html"))
	s.need(err)
	checkPage(t, string(page))
	s.checkInBrowser(filepath.Join(folder, "report.html"), names)
	table, err := os.ReadFile(filepath.Join(folder, "accounts.csv"))
	s.need(err)
	checkTable(t, table, len(names))
	checkTable(t, []byte(s.done("accounts", "list", "--format", "csv")), len(names))
	checkTable(t, []byte(s.done("report", "--format", "csv")), len(names))
	for _, args := range [][]string{{"report"}, {"accounts", "list"}, {"notices", "list"}} {
		if out := s.done(args...); strings.ContainsAny(out, "\x1b\r\x00") {
			t.Errorf("%v prints control characters: %q", args, out)
		}
	}
}

// What a server says is shown as text by every command: a terminal obeys none of it.
func TestRepliesThatTryToBeMore(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	persona := sim.Dovecot()
	persona.Hosts = []string{"mail.evil.example"}
	hostile := "\x1b[31mred\x1b]0;owned\x07 \u009b2J \u202eback \x08\x08 \x9b3J <!channel> \u2066end"
	s.play(persona, sim.Mood{At: map[sim.Step]sim.Act{
		sim.AtGreeting: sim.Say("220-mail " + hostile + "\r\n220 " + hostile), sim.AtSecret: sim.Say("535 5.7.8 " + hostile),
	}})
	s.install(row{"account_id": "a-1", "tenant_id": "T-1", "tenant_name": "North", "address": "fr@evil.example", "host": "mail.evil.example", "port": "465", "secret": "Sunny2345!"})
	s.done("run", "--key", "night")
	shown := false
	for _, args := range [][]string{{"check", "a-1"}, {"report"}, {"report", "--format", "csv"}, {"explain", "a-1"}, {"accounts", "list"}, {"notices", "list"}} {
		o := s.do(args...)
		shown = shown || strings.Contains(o.stdout, "red")
		for _, obeyed := range []string{"\x1b", "\x07", "\x08", "\r", "\u009b", "\u202e", "\u2066", "\x9b3J"} {
			if strings.Contains(o.stdout+o.stderr, obeyed) {
				t.Errorf("%v prints %q: %q", args, obeyed, o.stdout+o.stderr)
			}
		}
	}
	if !shown {
		t.Error("no command shows what the server said")
	}
	for _, p := range s.slack.Posts() {
		for _, text := range jsonStrings(t, p.Payload) {
			if strings.ContainsAny(text, "\x1b\u009b\u202e") || strings.Contains(text, "<!channel>") {
				t.Errorf("Slack is sent %q", text)
			}
		}
	}
}

// jsonStrings gives every string in a JSON document.
func jsonStrings(t *testing.T, text []byte) (all []string) {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			all = append(all, v)
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return all
}

// checkPage reads a page as a browser would, and gives its text: no name was made an element or a link.
func checkPage(t *testing.T, page string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.TextNode && !isData(n.Parent):
			text.WriteString(n.Data)
		case n.Data == "script" && n.FirstChild != nil && !isData(n) && strings.Contains(n.FirstChild.Data, "alert(1)"):
			t.Error("a name runs as a script")
		case n.Data == "img" && slices.Contains(n.Attr, html.Attribute{Key: "src", Val: "x"}):
			t.Error("a name is a picture")
		}
		for _, a := range n.Attr {
			if a.Key == "href" && strings.Contains(a.Val, "evil.example") {
				t.Errorf("a name is a link: %s", a.Val)
			}
		}
	}
	return text.String()
}

// isData tells a block of data in a page from a script that runs.
func isData(n *html.Node) bool {
	return n.Data == "script" && slices.Contains(n.Attr, html.Attribute{Key: "type", Val: "application/json"})
}

// checkInBrowser has a browser run the page, which draws its table by script: each name is there as text.
func (s *scene) checkInBrowser(file string, names []string) {
	s.t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		needed(s.t, []string{"chromium"})
	}
	cmd := exec.CommandContext(s.t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+s.t.TempDir(),
		"--virtual-time-budget=3000", "--dump-dom", "file://"+file)
	page, err := cmd.Output()
	s.need(err)
	text := checkPage(s.t, string(page))
	for _, name := range names {
		if !strings.Contains(text, name) {
			s.t.Errorf("the page does not show %q as text", name)
		}
	}
	if strings.Contains(string(page), "<title>owned") {
		s.t.Error("a name has run")
	}
}

// checkTable refuses cells that a spreadsheet would calculate.
func checkTable(t *testing.T, text []byte, want int) {
	t.Helper()
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != want+1 {
		t.Errorf("%d lines, want %d and a header", len(records), want)
	}
	for _, record := range records {
		for _, cell := range record {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("a spreadsheet calculates %q", cell)
			}
		}
	}
}
