package report

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailaudit/audit"
)

// Ledger is what an auditor's pack is made from, and what its nights are sealed in. An [audit.Store] is one.
type Ledger interface {
	Source
	Desk
	// KeepFact notes something of a run under a name, unless the name is taken; it returns what stands.
	KeepFact(ctx context.Context, key, name, value string) (string, error)
	// Actions returns the operators' actions in [from, to), oldest first.
	Actions(ctx context.Context, from, to time.Time) ([]audit.Action, error)
}

var _ Ledger = audit.Store(nil)

// RunsMost bounds how many runs a pack looks through: more than six years of them.
const RunsMost = 10_000

// WriteEvidence writes the auditor's pack of the runs that started in [from, to) as a zip: each night's report
// and its list of all accounts, and over all nights coverage, open exceptions by age, days to repair, what
// operators did, and the hashes of everything. It returns how many nights it holds.
func WriteEvidence(ctx context.Context, w io.Writer, src Ledger, from, to time.Time, o Options) (nights int, err error) {
	runs, err := src.ListRuns(ctx, RunsMost, false)
	if err != nil {
		return 0, fmt.Errorf("evidence: list runs: %w", err)
	}
	runs = slices.DeleteFunc(runs, func(r audit.Run) bool { return r.StartedAt.Before(from) || !r.StartedAt.Before(to) })
	slices.Reverse(runs)
	p := pack{zip: zip.NewWriter(w), src: src, options: o, at: to, began: map[string]time.Time{}, repairs: map[audit.Verdict][]int{}}
	for _, run := range runs {
		if err := p.night(ctx, run); err != nil {
			return 0, fmt.Errorf("evidence: run %s: %w", run.Key, err)
		}
	}
	actions, err := src.Actions(ctx, from, to)
	if err != nil {
		return 0, fmt.Errorf("evidence: read the operators' actions: %w", err)
	}
	for _, a := range actions {
		p.actions = append(p.actions, []string{stamp(a.At), a.Who, a.What, a.Target, a.Why})
	}
	for _, step := range []func() error{p.tables, p.sums, p.zip.Close} {
		if err := step(); err != nil {
			return 0, fmt.Errorf("evidence: %w", err)
		}
	}
	return len(runs), nil
}

// pack is a zip being written.
type pack struct {
	zip     *zip.Writer
	src     Ledger
	options Options
	at      time.Time
	hashes  []string

	nights, coverage, actions, open [][]string
	began                           map[string]time.Time // of the failing accounts, when it began
	repairs                         map[audit.Verdict][]int
	unknown                         int // repairs of findings that began before the pack
}

func (p *pack) night(ctx context.Context, run audit.Run) error {
	s, err := Build(ctx, p.src, run.Key, p.options)
	if err != nil {
		return err
	}
	folder := "nights/" + run.Key + "/"
	if err := p.file(folder+JSONFile, func(w io.Writer) error { return s.WriteJSON(ctx, w, p.src) }); err != nil {
		return err
	}
	if err := p.file(folder+CSVFile, func(w io.Writer) error { return s.WriteCSV(ctx, w, p.src) }); err != nil {
		return err
	}
	unverified := s.Expected() - s.Numbers.Verified
	p.coverage = append(p.coverage, []string{
		run.Key, stamp(run.StartedAt), string(run.Status), strconv.Itoa(s.Expected()), strconv.Itoa(s.Numbers.Verified),
		strconv.Itoa(unverified), strings.TrimSuffix(Percent(s.Numbers.Verified, s.Expected()), " %"), strconv.Itoa(s.Numbers.Open),
	})
	if run.Status != audit.RunConcluded {
		return nil
	}
	is, err := s.Sealed(ctx, p.src)
	if err != nil {
		return err
	}
	p.nights = append(p.nights, []string{run.Key, is.Kept, is.Now, is.Compared})
	if run.Scope.Whole() {
		p.open = nil // the last whole night tells what is open at the end
	}
	return p.src.Findings(ctx, run, func(f audit.Finding) error { p.follow(run, f); return nil })
}

// follow keeps the age of what is open, and how long repairs took.
func (p *pack) follow(run audit.Run, f audit.Finding) {
	switch {
	case f.Verdict.Failing():
		// A finding that changes its cause goes on: it began with the first of them.
		if _, known := p.began[f.AccountID]; !known || !f.Previous.Failing() {
			p.began[f.AccountID] = f.Since
		}
	case f.Verdict.Fine() && f.Previous.Failing():
		began, known := p.began[f.AccountID]
		delete(p.began, f.AccountID)
		if !known {
			p.unknown++
			break
		}
		p.repairs[f.Previous] = append(p.repairs[f.Previous], days(run.StartedAt.Sub(began)))
	}
	if run.Scope.Whole() && (f.Verdict.Failing() || f.Verdict == audit.Unverified && f.Previous.Failing()) {
		since := cmp.Or(p.began[f.AccountID], f.Since)
		p.open = append(p.open, []string{
			f.AccountID, f.TenantID, f.Provider, string(f.Verdict), string(f.Previous), stamp(since),
			strconv.Itoa(days(run.StartedAt.Sub(since))), f.Rule, noticeName(f.Notice),
		})
	}
}

// days is to the nearest, since no run starts at the same second as another.
func days(d time.Duration) int { return int(d.Round(24*time.Hour) / (24 * time.Hour)) }

func (p *pack) tables() error {
	slices.SortStableFunc(p.open, func(a, b []string) int { return cmp.Compare(a[5], b[5]) })
	var repairs [][]string
	for _, v := range audit.Verdicts {
		if took := p.repairs[v]; len(took) > 0 {
			slices.Sort(took)
			repairs = append(repairs, []string{string(v), strconv.Itoa(len(took)), strconv.Itoa(took[len(took)/2]), strconv.Itoa(took[len(took)-1])})
		}
	}
	if p.unknown > 0 {
		repairs = append(repairs, []string{"(began before these nights)", strconv.Itoa(p.unknown), "", ""})
	}
	for _, t := range []struct {
		name string
		head []string
		rows [][]string
	}{
		{"coverage.csv", []string{"run", "started_at", "status", "accounts", "verified", "unverified", "percent", "open"}, p.coverage},
		{"exceptions.csv", []string{"account_id", "tenant_id", "provider", "verdict", "previous", "since", "days", "rule", "notice"}, p.open},
		{"repairs.csv", []string{"verdict", "repaired", "median_days", "most_days"}, repairs},
		{"operator-actions.csv", []string{"at", "who", "what", "target", "why"}, p.actions},
		{"digests.csv", []string{"run", "kept", "rebuilt", "compared"}, p.nights},
	} {
		err := p.file(t.name, func(w io.Writer) error {
			out := csv.NewWriter(w)
			out.Write(t.head) // csv keeps errors for Error
			for _, row := range t.rows {
				for i := range row {
					row[i] = Cell(row[i])
				}
				out.Write(row)
			}
			out.Flush()
			return out.Error()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// file adds a file and notes its hash.
func (p *pack) file(name string, write func(io.Writer) error) error {
	w, err := p.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: p.at.UTC()})
	if err != nil {
		return err
	}
	sum := sha256.New()
	if err := write(io.MultiWriter(w, sum)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	p.hashes = append(p.hashes, fmt.Sprintf("%x  %s\n", sum.Sum(nil), name))
	return nil
}

// sums writes the hashes in the form that sha256sum -c reads.
func (p *pack) sums() error {
	var list bytes.Buffer
	for _, h := range p.hashes {
		list.WriteString(h)
	}
	w, err := p.zip.CreateHeader(&zip.FileHeader{Name: "SHA256SUMS", Method: zip.Deflate, Modified: p.at.UTC()})
	if err != nil {
		return err
	}
	_, err = w.Write(list.Bytes())
	return err
}
