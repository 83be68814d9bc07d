package evidence

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
	"time"

	"mailaudit/report"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("evidence").Parse(pageText))

// writePage writes the printable page. Heads of columns and verdicts stand there in words.
func writePage(w io.Writer, facts *packFacts, tables []table, o report.Options) error {
	data := struct {
		From, To, MadeAt, Program, Head, Method, Broken string
		Links                                           int64
		Signed                                          bool
		Tables                                          []table
	}{
		From: facts.From.In(o.Zone).Format("2 January 2006"), To: facts.To.In(o.Zone).Add(-time.Second).Format("2 January 2006"),
		MadeAt: facts.MadeAt.In(o.Zone).Format("2 January 2006 15:04 MST"), Program: facts.Program, Head: facts.Head,
		Links: facts.Links, Signed: facts.Signed, Method: method,
	}
	broken := 0
	for _, run := range facts.Runs {
		if strings.HasPrefix(run.Compared, different) || run.Compared == missing {
			broken++
		}
	}
	if broken > 0 {
		data.Broken = "What the database holds of " + report.Number(broken, "run", "runs") + " is not what the chain of evidence states."
	}
	for _, t := range tables {
		shown := table{Title: t.Title, Note: t.Note}
		for _, name := range t.Head {
			shown.Head = append(shown.Head, report.Capital(report.Words(name)))
		}
		for _, row := range t.Rows {
			cells := make([]string, len(row))
			for i, cell := range row {
				if t.Head[i] == "verdict" || t.Head[i] == "previous" {
					cell = seen(cell)
				}
				cells[i] = cell
			}
			shown.Rows = append(shown.Rows, cells)
		}
		data.Tables = append(data.Tables, shown)
	}
	return pageTemplate.Execute(w, data)
}

// seen is a verdict as what was seen.
func seen(verdict string) string {
	switch verdict {
	case "compliant", "unproven":
		return "accepted"
	case "single_factor":
		return "accepted with an ordinary password"
	}
	return report.Words(verdict)
}
