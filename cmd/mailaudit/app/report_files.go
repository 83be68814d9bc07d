package app

import (
	"context"
	"io"

	"mailaudit/audit"
	"mailaudit/report"
	"mailaudit/report/page"
)

// indexRuns is how many runs the index page lists.
const indexRuns = 1_000

// writeFiles writes a run's files into report.dir, where one is configured, and the page over all runs.
func (p *Publisher) writeFiles(ctx context.Context, s *report.Summary) error {
	if p.Config.Report.Dir == "" {
		return nil
	}
	runs, err := p.indexed(ctx)
	if err != nil {
		return err
	}
	if err := p.writeRun(ctx, s, runs); err != nil {
		return err
	}
	return p.writeIndex(runs)
}

// indexed are the runs that the index page lists, by descending start.
func (p *Publisher) indexed(ctx context.Context) ([]audit.Run, error) {
	return p.Store.ListRuns(ctx, indexRuns, false)
}

func (p *Publisher) writeIndex(runs []audit.Run) error {
	return report.WriteTop(p.Config.Report.Dir, report.File{Name: report.IndexFile, Write: func(w io.Writer) error {
		return page.WriteIndex(w, p.Config.Report.Dir, runs, p.ReportOptions())
	}})
}

// writeRun writes the run's files, and lets the page of the run before lead on to it. The runs are those of the index.
func (p *Publisher) writeRun(ctx context.Context, s *report.Summary, runs []audit.Run) error {
	dir, linked := p.Config.Report.Dir, *s
	previous, next := p.neighbours(s, runs)
	before := ""
	if previous != nil {
		before = previous.Key
	}
	linked.Links = report.LinksIn(before)
	err := report.WriteDir(dir, s.Run.Key,
		report.File{Name: report.PageFile, Write: func(w io.Writer) error { return page.Write(ctx, w, &linked, p.Store) }},
		report.File{Name: report.JSONFile, Write: func(w io.Writer) error { return s.WriteJSON(ctx, w, p.Store) }},
		report.File{Name: report.CSVFile, Write: func(w io.Writer) error { return s.WriteCSV(ctx, w, p.Store) }},
		report.NextPage(s.Run, next),
	)
	if err != nil || previous == nil || !concludedWhole(s.Run) {
		return err
	}
	return report.WriteDir(dir, before, report.NextPage(*previous, s.Run.Key))
}

// neighbours finds the run before, nil where its page is not there, and the key of the next, "" where there is none.
func (p *Publisher) neighbours(s *report.Summary, runs []audit.Run) (previous *audit.Run, next string) {
	if s.Previous != nil && report.HasPage(p.Config.Report.Dir, s.Previous.Key) {
		previous = s.Previous
	}
	for _, run := range runs {
		if concludedWhole(run) && run.Seq > s.Run.Seq {
			next = run.Key
		}
	}
	return previous, next
}

func concludedWhole(run audit.Run) bool {
	return run.Status == audit.RunConcluded && run.Scope.Whole()
}
