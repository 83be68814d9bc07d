package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"mailaudit/audit"
	"mailaudit/report"
	"mailaudit/report/page"
	"mailaudit/report/reporttest"
	"mailaudit/report/slack"
)

// numbers are what a form of the report says of a provider: accounts, OK, failing, no response, new, recovered.
// "All" is their sum.
type numbers map[string][6]int

// TestAllFormsSayTheSame reads the numbers back from every form of the report, as its reader does.
func TestAllFormsSayTheSame(t *testing.T) {
	nights := append(reporttest.Nights(), reporttest.Huge(0), reporttest.Huge(777))
	for _, n := range nights {
		if n.Name == "mismatch" || len(n.Store.Accounts) == 0 {
			continue
		}
		t.Run(n.Name, func(t *testing.T) {
			s := build(t, n)
			want := fromCSV(t, n, s)
			forms := map[string]numbers{
				"JSON": fromJSON(t, n, s, want), "text": fromText(t, s), "page": fromPage(t, n, s),
			}
			if !s.Quiet() {
				forms["Slack"] = fromSlack(t, s)
			}
			for form, got := range forms {
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-CSV +%s):\n%s", form, form, diff)
				}
			}
			fresh, back := 0, 0
			for name, c := range want {
				if name != "All" {
					fresh, back = fresh+c[4], back+c[5]
				}
			}
			head := "new " + report.Count(fresh) + ", recovered " + report.Count(back) + ", open "
			plain := strings.NewReplacer("*", "", " · ", ", ", "New", "new").Replace(slack.Compose(s, slack.Layout{}).Text)
			if !strings.Contains(plain, head) {
				t.Errorf("Slack does not say %q: %s", head, plain)
			}
		})
	}
}

// add counts an account the way a reader of the rows would.
func (n numbers) add(provider string, v, previous audit.Verdict) {
	for _, name := range []string{strings.ToUpper(provider[:1]) + provider[1:], "All"} {
		c := n[name]
		c[0]++
		switch {
		case v == "compliant" || v == "unproven":
			c[1]++
			if previous.Failing() {
				c[5]++
			}
		case v == "unverified":
			c[3]++
		default:
			c[2]++
			if !previous.Failing() {
				c[4]++
			}
		}
		n[name] = c
	}
}

func fromCSV(t *testing.T, n reporttest.Night, s *report.Summary) numbers {
	var out bytes.Buffer
	if err := s.WriteCSV(t.Context(), &out, n.Store); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := numbers{}
	for _, row := range rows[1:] {
		got.add(row[3], audit.Verdict(row[5]), audit.Verdict(row[7]))
	}
	return single(got)
}

// single leaves out the sum where there is one provider, as the tables do.
func single(n numbers) numbers {
	if len(n) == 2 {
		delete(n, "All")
	}
	return n
}

// fromJSON has no changes by provider; those are taken from the rows and compared in sum.
func fromJSON(t *testing.T, n reporttest.Night, s *report.Summary, rows numbers) numbers {
	r := decode(t, n, s)
	got, total, back, fresh := numbers{}, [6]int{}, 0, 0
	for _, p := range r.Providers {
		c := [6]int{p.Accounts}
		for v, count := range p.Verdicts {
			switch v := audit.Verdict(v); {
			case v.Fine():
				c[1] += count
			case v.Failing():
				c[2] += count
			default:
				c[3] += count
			}
		}
		title := strings.ToUpper(p.Provider[:1]) + p.Provider[1:]
		c[4], c[5] = rows[title][4], rows[title][5]
		fresh, back = fresh+c[4], back+c[5]
		for i := range c {
			total[i] += c[i]
		}
		got[title] = c
	}
	if r.Run.Accounts != total[0] || r.Run.Verified != total[0]-total[3] || r.Changes.NewlyFailing != fresh || r.Changes.Recovered != back {
		t.Errorf("JSON contradicts itself: %+v, %+v, providers %v", r.Run, r.Changes, total)
	}
	got["All"] = total
	return single(got)
}

func fromText(t *testing.T, s *report.Summary) numbers {
	var out bytes.Buffer
	if err := s.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(out.String(), "\nProviders\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var rows [][]string
	for _, line := range strings.Split(table, "\n")[1:] {
		rows = append(rows, strings.Fields(line))
	}
	return table6(t, rows)
}

func fromSlack(t *testing.T, s *report.Summary) numbers {
	data, err := slack.Payload(s, slack.Layout{})
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Blocks []struct {
			Type string
			Rows [][]struct{ Text string }
		}
	}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	for _, b := range m.Blocks {
		if b.Type != "table" {
			continue
		}
		var rows [][]string
		for _, r := range b.Rows[1:] {
			var row []string
			for _, c := range r {
				row = append(row, c.Text)
			}
			rows = append(rows, row)
		}
		return table6(t, rows)
	}
	t.Error("no table in the Slack message")
	return nil
}

func fromPage(t *testing.T, n reporttest.Night, s *report.Summary) numbers {
	var out bytes.Buffer
	if err := page.Write(t.Context(), &out, s, n.Store); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(&out)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	var walk func(*html.Node)
	walk = func(node *html.Node) {
		if node.Type == html.ElementNode && node.Data == "tr" {
			var row []string
			for c := node.FirstChild; c != nil; c = c.NextSibling {
				if c.Type == html.ElementNode && c.FirstChild != nil {
					text := c.FirstChild
					if text.Data == "a" { // a provider's row leads to its findings
						text = text.FirstChild
					}
					row = append(row, text.Data)
				}
			}
			if len(row) == 7 && row[1] != "accounts" {
				rows = append(rows, row)
			}
		}
		for c := node.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(doc)
	return table6(t, rows)
}

func table6(t *testing.T, rows [][]string) numbers {
	t.Helper()
	got := numbers{}
	for _, row := range rows {
		name, _, _ := strings.Cut(row[0], " ")
		var c [6]int
		for i, text := range row[len(row)-6:] {
			n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
			if err != nil {
				t.Fatalf("row %q: %v", row, err)
			}
			c[i] = n
		}
		got[name] = c
	}
	return got
}
