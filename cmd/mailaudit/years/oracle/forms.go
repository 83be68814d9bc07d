package oracle

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// How the forms are read in which mailaudit shows a run. A form that cannot be read is itself a violation: an oracle
// that looks away proves nothing.

// line is a row of report --format csv and of accounts.csv.
type line struct {
	account, tenant, provider, verdict, twoFactor, previous, notice string
	since                                                           time.Time
}

// isOpen reports whether the account has an open finding: it fails, or failed when it last gave an answer.
func (l line) isOpen() bool {
	return isFailing(l.verdict) || l.verdict == "unverified" && isFailing(l.previous)
}

func readCSV(body []byte) ([]line, error) {
	rows, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, fmt.Errorf("csv: %d rows, %v", len(rows), err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for _, name := range []string{"account_id", "tenant_id", "provider", "verdict", "two_factor", "previous", "since", "rule", "notice"} {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("csv: no column %s", name)
		}
	}
	var lines []line
	for _, r := range rows[1:] {
		l := line{
			account: r[column["account_id"]], tenant: r[column["tenant_id"]], provider: r[column["provider"]], verdict: r[column["verdict"]],
			twoFactor: r[column["two_factor"]], previous: r[column["previous"]], notice: r[column["notice"]],
		}
		if since := r[column["since"]]; since != "" {
			if l.since, err = time.Parse(time.RFC3339, since); err != nil {
				return nil, fmt.Errorf("csv: %s: %v", l.account, err)
			}
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// report is report --format json, version 1.
type report struct {
	Run struct {
		Key, Status        string
		Accounts, Verified int
	}
	Verdicts  map[string]int
	Providers []struct {
		Provider  string
		Accounts  int
		Verdicts  map[string]int
		TwoFactor map[string]int `json:"two_factor"`
		Held      bool
	}
	Changes struct {
		NewlyFailing int `json:"newly_failing"`
		Recovered    int
		StillFailing int `json:"still_failing"`
	}
	Notices  map[string]int
	Findings []struct {
		AccountID string `json:"account_id"`
		TenantID  string `json:"tenant_id"`
		Provider  string
		Verdict   string
		TwoFactor string `json:"two_factor"`
		Previous  string
		Since     string
		Carried   bool
		Notice    string
	}
}

func readJSON(body []byte) (r report, err error) {
	return r, json.Unmarshal(body, &r)
}

// figures are the numbers that the prose forms tell of a run.
type figures struct{ accounts, newly, recovered, open int }

var (
	tags        = regexp.MustCompile(`(?s)<(style|script)\b.*?</(style|script)>|<[^>]*>`)
	spaces      = regexp.MustCompile(`[\s\x{a0}\x{202f}]+`)
	mailboxesIn = regexp.MustCompile(`(?i)([\d,]+) mailbox(?:es)?, [\d.,]+ ?% checked|\bmailboxes ([\d,]+)`) // until 1.0
	accountsIn  = regexp.MustCompile(`(?i)([\d,]+) accounts?, [\d.,]+ ?% verified|\baccounts ([\d,]+)`)
	changesIn   = regexp.MustCompile(`(?i)\bnew(?:ly failing| failures)? ([\d,]+)\W+(?:repaired|recovered) ([\d,]+)\W+open(?: findings)? ([\d,]+)`)
)

// readProse reads the text, the page and Slack's messages.
func readProse(body string) (f figures, err error) {
	body = plain(body)
	accounts, changes := accountsIn.FindStringSubmatch(body), changesIn.FindStringSubmatch(body)
	if accounts == nil {
		accounts = mailboxesIn.FindStringSubmatch(body)
	}
	if accounts == nil || changes == nil {
		return f, fmt.Errorf("no numbers in %.300q", body)
	}
	return figures{number(accounts[1] + accounts[2]), number(changes[1]), number(changes[2]), number(changes[3])}, nil
}

// plain is prose without marks and line breaks.
func plain(body string) string {
	body = html.UnescapeString(tags.ReplaceAllString(body, " "))
	return spaces.ReplaceAllString(strings.NewReplacer("*", "", "`", "", "_", " ").Replace(body), " ")
}

func number(s string) int {
	n, _ := strconv.Atoi(strings.ReplaceAll(s, ",", ""))
	return n
}

// verdictsIn finds, in a text or a page, how many accounts have each verdict: the name, then the number.
func verdictsIn(body string, names []string) map[string]int {
	found := map[string]int{}
	_, body, _ = strings.Cut(plain(body), " Verdicts ")
	for _, name := range names {
		words := strings.ReplaceAll(name, "_", " ")
		if m := regexp.MustCompile(`(?i)(?:^|[ \d])` + words + ` ([\d,]+)\b`).FindStringSubmatch(body); m != nil {
			found[name] = number(m[1])
		}
	}
	return found
}

// slackText gathers all text of a Slack message, blocks and attachments with it.
func slackText(body []byte) string {
	var message any
	if json.Unmarshal(body, &message) != nil {
		return string(body)
	}
	var out []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, inner := range v {
				if s, ok := inner.(string); ok && k == "text" {
					out = append(out, s)
				} else {
					walk(inner)
				}
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(message)
	return strings.Join(out, "\n")
}

// explained is what explain says of an account's nights.
type explained struct {
	verdict string
	nights  []explainedNight
}

type explainedNight struct {
	run, verdict, decision, why string
	number                      int64 // of the notice; 0 if none is named
}

var (
	explainHead  = regexp.MustCompile(`(?m)^account (\S+), tenant .*?: (\w+)`)
	explainNight = regexp.MustCompile(`(?m)^(\S+)\s+(\w+)\s+([a-z ]+): (.*)$`)
	noticeNumber = regexp.MustCompile(`\bM-(\d+)\b`)
)

func readExplain(body []byte) (e explained, err error) {
	if head := explainHead.FindSubmatch(body); head != nil {
		e.verdict = string(head[2])
	}
	for _, m := range explainNight.FindAllStringSubmatch(string(body), -1) {
		n := explainedNight{run: m[1], verdict: m[2], decision: strings.Replace(m[3], "notified", "told", 1), why: m[4]}
		if number := noticeNumber.FindStringSubmatch(m[4]); number != nil {
			n.number, _ = strconv.ParseInt(number[1], 10, 64)
		}
		e.nights = append(e.nights, n)
	}
	if len(e.nights) == 0 && !strings.Contains(string(body), "no run has verified it yet") {
		return e, fmt.Errorf("no nights in %.300q", body)
	}
	return e, nil
}
