package slack_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mailaudit/report"
	"mailaudit/report/reporttest"
	"mailaudit/report/slack"
)

var update = flag.Bool("update", false, "write the golden files anew")

func build(t interface {
	Helper()
	Fatal(...any)
}, n reporttest.Night) *report.Summary {
	t.Helper()
	s, err := report.Build(n.Context(), n.Store, "", n.Options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var layouts = map[string]slack.Layout{
	"":       {},
	"-names": {Names: true, CommandPrefix: "kubectl -n mail exec deploy/mailaudit --", MayRepeat: true},
}

func payload(t *testing.T, n reporttest.Night, l slack.Layout) []byte {
	t.Helper()
	out, err := slack.Payload(build(t, n), l)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestGolden(t *testing.T) {
	for _, n := range reporttest.Nights() {
		for suffix, layout := range layouts {
			got := payload(t, n, layout)
			path := filepath.Join("testdata", n.Name+suffix+".json")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
				continue
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s differs (-want +got); go test -update writes it anew:\n%s", path, diff)
			}
		}
	}
}

// message is a payload as Slack reads it.
type message struct {
	Text        string           `json:"text"`
	Blocks      []map[string]any `json:"blocks"`
	UnfurlLinks bool             `json:"unfurl_links"`
	UnfurlMedia bool             `json:"unfurl_media"`
}

func parse(t interface{ Fatal(...any) }, data []byte) message {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var m message
	if err := dec.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

// texts are the message's texts: those that Slack reads as markup, and those that it shows as they are.
func (m message) texts() (markup, literal []string) {
	markup = append(markup, m.Text)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if text, ok := v["text"].(string); ok {
				if v["type"] == "mrkdwn" {
					markup = append(markup, text)
				} else {
					literal = append(literal, text)
				}
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	for _, b := range m.Blocks {
		walk(any(b))
	}
	return markup, literal
}

// problems are violations of Slack's limits and rules (docs.slack.dev, Block Kit; Formatting message text).
func (m message) problems() []string {
	var out []string
	bad := func(what string) { out = append(out, what) }
	if n := utf8.RuneCountInString(m.Text); n == 0 || n > 500 {
		bad("fallback text is empty or long: " + m.Text)
	}
	if len(m.Blocks) > 50 || len(m.Blocks) == 0 {
		bad("number of blocks")
	}
	data, _ := json.Marshal(m.Blocks)
	if len(data) > 12_000 {
		bad("blocks are too large")
	}
	tables := 0
	for _, b := range m.Blocks {
		if b["type"] == "data_visualization" {
			out = append(out, chartProblems(b)...)
		}
		if b["type"] == "table" {
			tables++
			if rows := b["rows"].([]any); len(rows) > 100 {
				bad("rows of the table")
			}
		}
	}
	if tables > 1 {
		bad("more than one table")
	}
	markup, literal := m.texts()
	for _, text := range markup {
		if utf8.RuneCountInString(text) > 3000 {
			bad("a text is too long")
		}
		out = append(out, markupProblems(text)...)
	}
	for _, text := range append(markup, literal...) {
		if text == "" || !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x1b\r\u202e\u2066") {
			bad("empty, broken or with control characters: " + text)
		}
		if strings.Contains(text, reporttest.Canary) {
			bad("shows what is not for Slack: " + text)
		}
	}
	return out
}

// chartProblems are violations of what Slack documents of a line chart (docs.slack.dev, Data visualization block).
// No other checker knows the block yet.
func chartProblems(b map[string]any) (out []string) {
	bad := func(what string, v any) { out = append(out, fmt.Sprintf("chart: %s: %v", what, v)) }
	data, _ := json.Marshal(b)
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var block struct {
		Type, Title string
		BlockID     string `json:"block_id"`
		Chart       struct {
			Type   string
			Series []struct {
				Name string
				Data []struct {
					Label string
					Value float64
				}
			}
			AxisConfig struct {
				Categories []string
				XLabel     string `json:"x_label"`
				YLabel     string `json:"y_label"`
			} `json:"axis_config"`
		}
	}
	if err := dec.Decode(&block); err != nil {
		bad("form", err)
	}
	length := func(what, text string, max int) {
		if n := utf8.RuneCountInString(text); n == 0 || n > max {
			bad("length of "+what, text)
		}
	}
	length("title", block.Title, 50)
	c := block.Chart
	if c.Type != "line" || len(c.Series) == 0 || len(c.Series) > 6 {
		bad("type or number of series", c.Type)
	}
	for _, category := range c.AxisConfig.Categories {
		length("category", category, 20)
	}
	names := map[string]bool{}
	for _, s := range c.Series {
		length("name", s.Name, 20)
		names[s.Name] = true
		var labels []string
		for _, p := range s.Data {
			labels = append(labels, p.Label)
		}
		if len(labels) > 20 || !slices.Equal(labels, c.AxisConfig.Categories) || len(slices.Compact(slices.Sorted(slices.Values(labels)))) != len(labels) {
			bad("points are not one a category", labels)
		}
	}
	if len(names) != len(c.Series) {
		bad("names are not unique", names)
	}
	return out
}

var (
	entity     = regexp.MustCompile(`&(amp|lt|gt);`)
	ownLink    = regexp.MustCompile(`<https://reports\.example\.com/audit/2026-11-23/report\.html(#[a-z-]+)?\|report>`)
	code       = regexp.MustCompile("`[^`\n]+`")
	ownBold    = regexp.MustCompile(`(?m)^(\*(Actions for Ops|New failures)\*$|\*(Preview|Approve|Discard|No action|Rest of the run)\* |\*Decided: [^*\n]+\* ·|\S+ \*[^*\n]+\*( ·|$))`)
	ownCounts  = regexp.MustCompile(`(?m)(^New|^First run \(baseline\) · new|recovered|open) \*[\d,]+\*`)
	mention    = regexp.MustCompile(`[@#][\pL\pN]`)
	emojiCode  = regexp.MustCompile(`:[a-z0-9_+'-]+:`)
	bareDomain = regexp.MustCompile(`[a-z]\.(example|com)\b`)
)

// markupProblems looks for everything that Slack would act upon, our own links, commands and headings aside.
func markupProblems(text string) []string {
	var out []string
	text = ownLink.ReplaceAllString(text, "")
	text = ownBold.ReplaceAllString(text, "")
	if strings.ContainsAny(text, "<>") {
		out = append(out, "unescaped < or >: "+text)
	}
	if strings.Contains(entity.ReplaceAllString(text, ""), "&") {
		out = append(out, "unescaped & or a cut entity: "+text)
	}
	text = code.ReplaceAllString(text, "")
	text = ownCounts.ReplaceAllString(text, "")
	if strings.ContainsAny(text, "*~`") || mention.MatchString(text) {
		out = append(out, "markup or a mention: "+text)
	}
	if emojiCode.MatchString(text) {
		out = append(out, "an emoji code: "+text)
	}
	if strings.Contains(text, "://") || bareDomain.MatchString(text) {
		out = append(out, "a link: "+text)
	}
	return out
}

func TestLimitsAndMarkup(t *testing.T) {
	for _, n := range reporttest.Nights() {
		for suffix, layout := range layouts {
			for _, p := range parse(t, payload(t, n, layout)).problems() {
				t.Errorf("%s%s: %s", n.Name, suffix, p)
			}
			if plain := slack.Compose(build(t, n), layout).Plain; utf8.RuneCountInString(plain) > 4000 {
				t.Errorf("%s%s: the plain text has %d characters", n.Name, suffix, utf8.RuneCountInString(plain))
			}
		}
	}
}

func TestPropertyWhateverTheNightBrings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := reporttest.Drawn(t)
		layout := slack.Layout{Names: rapid.Bool().Draw(t, "names"), CommandPrefix: rapid.StringN(0, 30, 300).Draw(t, "prefix")}
		s := build(t, n)
		data, err := slack.Payload(s, layout)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parse(t, data).problems() {
			t.Error(p)
		}
	})
}

func TestManyFindings(t *testing.T) {
	sizes := []int{0, 1, 2, 5, 6, 199, 200, 201, 999, 20_000}
	for range 10 {
		sizes = append(sizes, rand.IntN(20_001))
	}
	for _, findings := range sizes {
		for _, p := range parse(t, payload(t, reporttest.Huge(findings), layouts["-names"])).problems() {
			t.Errorf("%d findings: %s", findings, p)
		}
	}
}

func TestManyLongTexts(t *testing.T) {
	n := reporttest.Hostile()
	n.Faults = nil
	for range 20 {
		n.Faults = append(n.Faults, report.Fault{What: strings.Repeat("&a ", 200), Fix: strings.Repeat("<b ", 200)})
	}
	m := parse(t, payload(t, n, layouts["-names"]))
	for _, p := range m.problems() {
		t.Error(p)
	}
	markup, _ := m.texts()
	if !strings.Contains(strings.Join(markup, "\n"), " more") {
		t.Error("nothing says that texts were left out")
	}
}

func TestFirstLineIsShort(t *testing.T) {
	for _, n := range reporttest.Nights() {
		first, _, _ := strings.Cut(slack.Compose(build(t, n), slack.Layout{}).Text, "\n")
		if c := utf8.RuneCountInString(first); c > 300 {
			t.Errorf("%s: the first line has %d characters: %s", n.Name, c, first)
		}
	}
}

func TestQuietNightIsOneGreyLine(t *testing.T) {
	m := parse(t, payload(t, reporttest.Quiet(), slack.Layout{}))
	if len(m.Blocks) != 1 || m.Blocks[0]["type"] != "context" || strings.Contains(m.Text, "\n") {
		t.Errorf("a quiet night: %+v", m)
	}
}

func TestShow(t *testing.T) {
	n := reporttest.OneTenant()
	ids := string(payload(t, n, slack.Layout{}))
	names := string(payload(t, n, slack.Layout{Names: true}))
	if strings.Contains(ids, "Only One") || !strings.Contains(ids, "T-1") {
		t.Error("slack.show: ids shows a name, or no id")
	}
	if !strings.Contains(names, "Only One") || !strings.Contains(names, "T-1") {
		t.Error("slack.show: names shows no name, or no id")
	}
}
