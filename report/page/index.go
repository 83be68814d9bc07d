package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/report"
)

//go:embed index.html
var indexSource string

// indexRow is one run's line.
type indexRow struct {
	audit.Run
	Night string
	Scope string
	Held  string
	There bool // its page stands in the folder
}

// WriteIndex writes the page over the runs, newest first as they come, with links to those whose pages stand
// in dir.
func WriteIndex(w io.Writer, dir string, runs []audit.Run, o report.Options) error {
	layout, err := template.New("index").Funcs(functions).Parse(indexSource)
	if err != nil {
		return fmt.Errorf("parse index page: %w", err)
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	v := struct {
		Style template.CSS
		Zone  *time.Location
		Rows  []indexRow
	}{Style: template.CSS(style), Zone: o.Zone}
	for _, run := range runs {
		row := indexRow{Run: run, Night: run.StartedAt.In(o.Zone).Format("Mon 2 Jan 2006 15:04"), Held: heldIn(run, o)}
		if !run.Scope.Whole() {
			row.Scope = strings.Join((&report.Summary{Run: run}).Scope(), ", ")
		}
		row.There = report.HasPage(dir, run.Key)
		v.Rows = append(v.Rows, row)
	}
	if err := layout.Execute(w, v); err != nil {
		return fmt.Errorf("write index page: %w", err)
	}
	return nil
}

func heldIn(run audit.Run, o report.Options) string {
	if run.Numbers == nil {
		return ""
	}
	var names []string
	for name, p := range run.Numbers.Providers {
		if !p.Held {
			continue
		}
		if o.Title != nil {
			name = o.Title(name)
		}
		names = append(names, report.Plain(name))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
