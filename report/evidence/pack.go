package evidence

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/chain"
	"mailaudit/report"
)

// The names of files in a pack.
const (
	sumsFile    = "SHA256SUMS"
	sumsSigned  = "SHA256SUMS.sig"
	factsFile   = "pack.json"
	actionsFile = "operator-actions.json"
	lastingFile = "sealed.json" // of a run: the bytes whose SHA-256 its link states
)

// SettingPolicy begins the names of settings that keep configurations by their digests.
const SettingPolicy = "policy/"

// Ledger is what a pack is made from.
type Ledger interface {
	Store
	Setting(ctx context.Context, name string) (string, error)
}

// Request says what a pack is to hold, and how it is signed.
type Request struct {
	From, To time.Time                         // runs that started in [From, To)
	Sign     func(text []byte) ([]byte, error) // nil: the pack is not signed
	Program  string                            // the version that writes it
	Options  report.Options
}

// packFacts is pack.json: what a program checks.
type packFacts struct {
	Form    string    `json:"form"` // packForm
	From    time.Time `json:"from"`
	To      time.Time `json:"to"` // exclusive
	MadeAt  time.Time `json:"made_at"`
	Program string    `json:"program"`
	Head    string    `json:"head"`
	Links   int64     `json:"links"`
	Signed  bool      `json:"signed"`
	Runs    []packRun `json:"runs"`
	// NotSealed are runs that have concluded since the last link; the pack leaves them out.
	NotSealed []string `json:"not_sealed"`
}

const packForm = "mailaudit pack 1"

// packRun is what a run has left, as the database has it now.
type packRun struct {
	Key      string    `json:"run"`
	Seq      int64     `json:"seq"`
	Started  time.Time `json:"started_at"`
	Status   string    `json:"status"`
	Rows     int       `json:"rows"`
	RowsSum  string    `json:"rows_sha256"`
	Report   string    `json:"report_sha256"`
	Compared string    `json:"compared"`
	Detail   string    `json:"detail"`
}

// Write writes the auditor's pack as a zip: each run's report and its list of all accounts, and over all runs
// coverage, open exceptions, days to repair, what operators did, what the guards ruled, the configurations in effect, the
// chain of evidence, and the hashes of everything. It returns how many runs it holds.
func Write(ctx context.Context, w io.Writer, src Ledger, r Request) (runs int, err error) {
	all, err := src.ListRuns(ctx, report.RunsMost, false)
	if err != nil {
		return 0, fmt.Errorf("evidence: list runs: %w", err)
	}
	links, err := AllLinks(ctx, src)
	if err != nil {
		return 0, fmt.Errorf("evidence: %w", err)
	}
	all = slices.DeleteFunc(all, func(run audit.Run) bool { return run.StartedAt.Before(r.From) || !run.StartedAt.Before(r.To) })
	slices.Reverse(all)
	tail := &tail{w: w}
	p := pack{zip: zip.NewWriter(tail), src: src, Request: r, links: links, study: newStudy()}
	p.book, _ = chain.Read(links, nil)
	if err := p.zip.SetComment(strings.Repeat("0", len(commentForm)+2*sha256.Size)); err != nil {
		return 0, fmt.Errorf("evidence: %w", err)
	}
	for _, run := range all {
		if p.tooNew(run) {
			p.facts.NotSealed = append(p.facts.NotSealed, run.Key)
			continue
		}
		if err := p.night(ctx, run); err != nil {
			return 0, fmt.Errorf("evidence: run %s: %w", run.Key, err)
		}
		runs++
	}
	for _, step := range []func(context.Context) error{p.missing, p.actions, p.policies, p.chain, p.tables, p.sums} {
		if err := step(ctx); err != nil {
			return 0, fmt.Errorf("evidence: %w", err)
		}
	}
	if err := p.zip.Close(); err != nil {
		return 0, fmt.Errorf("evidence: %w", err)
	}
	if err := tail.close(); err != nil {
		return 0, fmt.Errorf("evidence: %w", err)
	}
	return runs, nil
}

// pack is a zip being written.
type pack struct {
	Request
	zip    *zip.Writer
	src    Ledger
	links  []audit.Link
	book   *chain.Book
	facts  packFacts
	hashes []string
	study  *study
}

// tooNew reports whether a run has concluded since the chain's last link.
func (p *pack) tooNew(run audit.Run) bool {
	if run.Status != audit.RunConcluded {
		return false
	}
	if _, sealed := p.book.Runs[run.Key]; sealed {
		return false
	}
	for _, was := range p.book.Runs {
		if was.Seq > run.Seq {
			return false
		}
	}
	return true
}

func (p *pack) night(ctx context.Context, run audit.Run) error {
	s, err := report.Build(ctx, p.src, run.Key, p.Options)
	if err != nil {
		return err
	}
	folder := "nights/" + run.Key + "/"
	if _, err := p.file(folder+report.JSONFile, func(w io.Writer) error { return s.WriteJSON(ctx, w, p.src) }); err != nil {
		return err
	}
	if _, err := p.file(folder+report.CSVFile, func(w io.Writer) error { return s.WriteCSV(ctx, w, p.src) }); err != nil {
		return err
	}
	p.study.covered(s)
	if run.Status != audit.RunConcluded {
		return nil
	}
	is := packRun{Key: run.Key, Seq: run.Seq, Started: run.StartedAt.UTC(), Status: string(run.Status)}
	if is.Report, err = p.file(folder+lastingFile, func(w io.Writer) error { return s.WriteLasting(ctx, w, p.src) }); err != nil {
		return err
	}
	rows, err := RowsOf(ctx, p.src, run)
	if err != nil {
		return err
	}
	is.Rows, is.RowsSum = rows.Count, rows.Sum
	kept, err := s.SealedAs(ctx, p.src, is.Report)
	if err != nil {
		return err
	}
	is.Compared, is.Detail = compare(p.book, run.Key, rows, is.Report, kept.Compared)
	p.facts.Runs = append(p.facts.Runs, is)
	if err := p.study.rulings(ctx, p.src, run); err != nil {
		return err
	}
	if run.Scope.Whole() {
		p.study.whole(s) // the last whole run tells what is open at the end
	}
	return p.src.Findings(ctx, run, func(f audit.Finding) error { p.study.follow(run, f); return nil })
}

const (
	same      = "same"
	different = "DIFFERENT"
	missing   = "MISSING"
)

// compare says how a run stands to its last seal. before is what the database itself kept of it, which explains a
// difference that a purge met.
func compare(b *chain.Book, run string, rows chain.Digest, sum, before string) (compared, detail string) {
	was, sealed := b.Runs[run]
	if !sealed {
		return different, "no link of the chain states the run"
	}
	if at, gone := b.Expired[run]; gone {
		return "older than retention since " + at.Format(time.DateOnly), "being deleted"
	}
	if was.Rows.Sum == "" && was.Report == "" {
		return "none was kept", "the run is older than the chain"
	}
	asSealed, what := was.Compare(rows, sum)
	switch {
	case asSealed && strings.HasPrefix(before, same): // which says whether a purge changed the report
		return before, ""
	case asSealed:
		return same, ""
	case strings.HasPrefix(before, different+", "):
		return before, what
	}
	if tombstone := b.Purging(run); tombstone != "" {
		return different + ", the purge of " + tombstoneDay(tombstone) + " was cut off: purge again", what
	}
	return different, what
}

func tombstoneDay(name string) string {
	if at, ok := audit.TombstoneTime(name); ok {
		return at.Format(time.DateOnly)
	}
	return name
}

// missing names the runs of the range that the chain states and the database has no more.
func (p *pack) missing(context.Context) error {
	there := map[string]bool{}
	for _, run := range p.facts.Runs {
		there[run.Key] = true
	}
	for _, was := range p.book.Runs {
		if there[was.Run] || was.Started.Before(p.From) || !was.Started.Before(p.To) {
			continue
		}
		if at, gone := p.book.Expired[was.Run]; gone {
			p.study.deleted = append(p.study.deleted, []string{was.Run, stamp(was.Started), stamp(at)})
			continue
		}
		p.facts.Runs = append(p.facts.Runs, packRun{Key: was.Run, Seq: was.Seq, Started: was.Started, Compared: missing,
			Detail: "the chain states the run, and the database has it no more"})
	}
	slices.SortFunc(p.study.deleted, func(a, b []string) int { return strings.Compare(a[1], b[1]) })
	slices.SortStableFunc(p.facts.Runs, func(a, b packRun) int { return int(a.Seq - b.Seq) })
	return nil
}

// packAction is an operator's action as it is digested.
type packAction struct {
	ID     int64  `json:"id"`
	At     string `json:"at"`
	Who    string `json:"who"`
	What   string `json:"what"`
	Target string `json:"target"`
	Why    string `json:"why"`
	Nonce  string `json:"nonce"`
}

const actionTime = "2006-01-02T15:04:05.000000Z"

func (p *pack) actions(ctx context.Context) error {
	all, err := p.src.Actions(ctx, p.From, p.To)
	if err != nil {
		return fmt.Errorf("read the operators' actions: %w", err)
	}
	list := []packAction{}
	for _, a := range all {
		list = append(list, packAction{a.ID, a.At.UTC().Format(actionTime), a.Who, a.What, a.Target, a.Why, a.Nonce})
		p.study.actions = append(p.study.actions, []string{stamp(a.At), a.Who, a.What, a.Target, a.Why})
	}
	return p.json(actionsFile, list)
}

// policies adds the configurations that runs of the range went by.
func (p *pack) policies(ctx context.Context) error {
	for i, c := range p.book.Configs {
		if !c.At.Before(p.To) || i+1 < len(p.book.Configs) && !p.book.Configs[i+1].At.After(p.From) {
			continue
		}
		text, err := p.src.Setting(ctx, SettingPolicy+c.Sum)
		if err != nil {
			return err
		}
		name := ""
		if text != "" {
			name = "policy/" + c.Sum + ".yaml"
			if !slices.ContainsFunc(p.study.policies, func(row []string) bool { return row[3] == name }) {
				if _, err := p.file(name, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
					return err
				}
			}
		}
		p.study.policies = append(p.study.policies, []string{stamp(c.At), c.Run, c.Sum, name})
	}
	return nil
}

// linkFile is a link's file in the pack.
func linkFile(n int64) string { return fmt.Sprintf("chain/%06d.txt", n) }

func (p *pack) chain(context.Context) error {
	for _, l := range p.links {
		if _, err := p.file(linkFile(l.N), func(w io.Writer) error { _, err := io.WriteString(w, l.Text); return err }); err != nil {
			return err
		}
		if len(l.Signature) == 0 {
			continue
		}
		name := strings.TrimSuffix(linkFile(l.N), ".txt") + ".sig"
		if _, err := p.file(name, func(w io.Writer) error { _, err := w.Write(l.Signature); return err }); err != nil {
			return err
		}
	}
	return nil
}

func (p *pack) tables(context.Context) error {
	p.facts.Form, p.facts.From, p.facts.To, p.facts.Program = packForm, p.From.UTC(), p.To.UTC(), p.Program
	p.facts.MadeAt = p.Options.Now().UTC().Truncate(time.Second)
	p.facts.Head, p.facts.Links, p.facts.Signed = p.book.Head, p.book.Length, p.Sign != nil
	tables := p.study.tables(&p.facts, p.book)
	for _, t := range tables {
		if _, err := p.file(t.Name+".csv", t.writeCSV); err != nil {
			return err
		}
		if t.Name+".json" == actionsFile {
			continue // it stands there in the form that is digested
		}
		if err := p.json(t.Name+".json", t.objects()); err != nil {
			return err
		}
	}
	if _, err := p.file("evidence.html", func(w io.Writer) error { return writePage(w, &p.facts, tables, p.Options) }); err != nil {
		return err
	}
	if _, err := p.file("METHOD.txt", func(w io.Writer) error { _, err := io.WriteString(w, method+codes); return err }); err != nil {
		return err
	}
	return p.json(factsFile, p.facts)
}

func (p *pack) json(name string, v any) error {
	_, err := p.file(name, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	})
	return err
}

// file adds a file, notes its hash and returns it.
func (p *pack) file(name string, write func(io.Writer) error) (sum string, err error) {
	w, err := p.create(name)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if err := write(io.MultiWriter(w, h)); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	sum = hex.EncodeToString(h.Sum(nil))
	p.hashes = append(p.hashes, sum+"  "+name+"\n")
	return sum, nil
}

func (p *pack) create(name string) (io.Writer, error) {
	return p.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: p.To.UTC()})
}

// sums writes the hashes in the form that sha256sum -c reads, and signs them.
func (p *pack) sums(context.Context) error {
	text := []byte(strings.Join(p.hashes, ""))
	w, err := p.create(sumsFile)
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil || p.Sign == nil {
		return err
	}
	signature, err := p.Sign(text)
	if err != nil {
		return err
	}
	if w, err = p.create(sumsSigned); err != nil {
		return err
	}
	_, err = w.Write(signature)
	return err
}

// commentForm begins the zip's comment: the hash of all bytes before the comment follows.
const commentForm = "sha256:"

// tail writes a zip through and puts the hash of everything before the comment into the comment, which stands last, so
// that no byte of the file can change unseen.
type tail struct {
	w    io.Writer
	last []byte
	hash interface {
		io.Writer
		Sum([]byte) []byte
	}
}

const commentLength = len(commentForm) + 2*sha256.Size

func (t *tail) Write(data []byte) (int, error) {
	if t.hash == nil {
		t.hash = sha256.New()
	}
	t.last = append(t.last, data...)
	if over := len(t.last) - commentLength; over > 0 {
		if _, err := t.w.Write(t.last[:over]); err != nil {
			return 0, err
		}
		t.hash.Write(t.last[:over]) //nolint:errcheck // a hash takes everything
		t.last = append([]byte(nil), t.last[over:]...)
	}
	return len(data), nil
}

func (t *tail) close() error {
	_, err := io.WriteString(t.w, commentForm+hex.EncodeToString(t.hash.Sum(nil)))
	return err
}

// intact reports whether the comment is the hash of what stands before it.
func intact(data []byte) bool {
	if len(data) < commentLength {
		return false
	}
	body, comment := data[:len(data)-commentLength], data[len(data)-commentLength:]
	sum := sha256.Sum256(body)
	return bytes.Equal(comment, []byte(commentForm+hex.EncodeToString(sum[:])))
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
