package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/chain"
	"mailaudit/audit/decide"
	"mailaudit/report"
)

// Store is what evidence is made from and kept in.
type Store interface {
	report.Ledger
	audit.Chaining
}

// Notary adds links to the chain of evidence.
type Notary struct {
	Store   Store
	Sign    func(text []byte) ([]byte, error) // nil: links are not signed
	Config  string                            // SHA-256 of the configuration in effect
	Now     func() time.Time
	Options report.Options
}

// Sealed is what a link made of a run.
type Sealed struct {
	N      int64
	Head   string
	Signed bool
}

// tries bounds how often a link is written anew because another process was faster.
const tries = 8

// sealedFacts are the facts of a run that its seal covers: what the guards ruled.
var sealedFacts = []string{decide.RulingsFact}

// RowsOf digests what a run has left in the store.
func RowsOf(ctx context.Context, store audit.Chaining, run audit.Run) (chain.Digest, error) {
	var rows chain.Rows
	err := store.EvidenceRows(ctx, run, sealedFacts, func(table string, columns ...string) error {
		rows.Add(table, columns...)
		return nil
	})
	return rows.Digest(), err
}

// AllLinks reads the whole chain.
func AllLinks(ctx context.Context, store audit.Chaining) (all []audit.Link, err error) {
	const page = 500
	for after := int64(0); ; {
		links, err := store.Links(ctx, after, page)
		if err != nil {
			return nil, err
		}
		all = append(all, links...)
		if len(links) < page {
			return all, nil
		}
		after = links[len(links)-1].N
	}
}

// add appends what compose makes of the chain as it stands; compose is called again where another process was faster.
// ok is false where it had nothing to say.
func (n Notary) add(ctx context.Context, compose func(*chain.Book) (s chain.Statement, ok bool, err error)) (Sealed, error) {
	for try := 1; ; try++ {
		links, err := AllLinks(ctx, n.Store)
		if err != nil {
			return Sealed{}, err
		}
		book, _ := chain.Read(links, nil) // what is wrong with it stays there for everybody to see
		s, ok, err := compose(book)
		if err != nil {
			return Sealed{}, err
		}
		if !ok {
			return Sealed{N: book.Length, Head: book.Head, Signed: len(links) > 0 && links[len(links)-1].Signature != nil}, nil
		}
		link := audit.Link{N: s.N, Text: s.Text()}
		if n.Sign != nil {
			if link.Signature, err = n.Sign([]byte(link.Text)); err != nil {
				return Sealed{}, err
			}
		}
		err = n.Store.AddLink(ctx, link)
		if errors.Is(err, audit.ErrMoved) && try < tries {
			continue
		}
		return Sealed{N: s.N, Head: chain.Head(link.Text), Signed: link.Signature != nil}, err
	}
}

// rowsAtStart bounds how many rows of earlier runs the first link digests; beyond it, it states the reports alone.
const rowsAtStart = 2_000_000

// Start begins the chain with a statement of the runs that were there before. It does nothing where there is one.
func (n Notary) Start(ctx context.Context) error {
	_, err := n.add(ctx, func(b *chain.Book) (chain.Statement, bool, error) {
		if b.Length > 0 {
			return chain.Statement{}, false, nil
		}
		s := b.Next(chain.Start, n.Now())
		runs, err := n.concluded(ctx)
		if err != nil {
			return s, false, err
		}
		rows := 0
		for _, run := range runs {
			rows += run.Accounts
		}
		for _, run := range runs {
			seal := sealOf(run)
			if seal.Report, err = report.KeptDigest(ctx, n.Store, run.Key); err != nil {
				return s, false, err
			}
			if rows <= rowsAtStart {
				if seal.Rows, err = RowsOf(ctx, n.Store, run); err != nil {
					return s, false, err
				}
			}
			s.Seals = append(s.Seals, seal)
		}
		s.Words = "The chain begins here; nothing was recorded before it."
		if len(runs) > 0 {
			s.Words = fmt.Sprintf("The chain begins here. %s before it, %s to %s, recorded by a version without a chain: stated as found, not as they were.",
				report.Number(len(runs), "run", "runs"), runs[0].Key, runs[len(runs)-1].Key)
		}
		s.Actions, err = n.newActions(ctx, b)
		return s, true, err
	})
	return err
}

// StartWhereRunsAre begins the chain where runs have concluded already: in the database of a version without a chain.
func (n Notary) StartWhereRunsAre(ctx context.Context) error {
	runs, err := n.concluded(ctx)
	if err != nil || len(runs) == 0 {
		return err
	}
	return n.Start(ctx)
}

// Seal adds a link for each concluded run that has none, key last, and returns what the chain is then. digest is the
// report's of key.
func (n Notary) Seal(ctx context.Context, key, digest string) (Sealed, error) {
	if err := n.startBefore(ctx, key); err != nil {
		return Sealed{}, err
	}
	book, err := n.Book(ctx)
	if err != nil {
		return Sealed{}, err
	}
	runs, err := n.concluded(ctx)
	if err != nil {
		return Sealed{}, err
	}
	runs = slices.DeleteFunc(runs, func(r audit.Run) bool { // or the whole chain would be read for each
		_, sealed := book.Runs[r.Key]
		return sealed && r.Key != key
	})
	slices.SortStableFunc(runs, func(a, b audit.Run) int {
		switch {
		case a.Key == key:
			return 1
		case b.Key == key:
			return -1
		}
		return 0
	})
	var sealed Sealed
	for _, run := range runs {
		report := ""
		if run.Key == key {
			report = digest
		}
		if sealed, err = n.sealRun(ctx, run, report); err != nil {
			return Sealed{}, fmt.Errorf("seal run %s: %w", run.Key, err)
		}
	}
	return sealed, nil
}

// startBefore begins the chain; the run that is about to be sealed is none of those before it.
func (n Notary) startBefore(ctx context.Context, key string) error {
	without := n
	without.Store = butFor{n.Store, key}
	return without.Start(ctx)
}

// butFor is a store without one run.
type butFor struct {
	Store
	key string
}

func (s butFor) ListRuns(ctx context.Context, limit int, openOnly bool) ([]audit.Run, error) {
	runs, err := s.Store.ListRuns(ctx, limit, openOnly)
	return slices.DeleteFunc(runs, func(r audit.Run) bool { return r.Key == s.key }), err
}

func (n Notary) sealRun(ctx context.Context, run audit.Run, digest string) (Sealed, error) {
	return n.add(ctx, func(b *chain.Book) (chain.Statement, bool, error) {
		if _, sealed := b.Runs[run.Key]; sealed {
			return chain.Statement{}, false, nil
		}
		s := b.Next(chain.Run, n.Now())
		s.Config = n.Config
		seal, err := n.seal(ctx, run, digest)
		if err != nil {
			return s, false, err
		}
		s.Seals = []chain.Seal{seal}
		later, err := n.changed(ctx, b, func(was chain.Standing) bool { return was.Seq > run.Seq })
		if err != nil {
			return s, false, err
		}
		s.Seals = append(s.Seals, later...)
		s.Actions, err = n.newActions(ctx, b)
		return s, true, err
	})
}

// PurgeBegins adds a link that names the runs which a purge is about to change. Those that are not as they were sealed
// are left out: they stay so.
func (n Notary) PurgeBegins(ctx context.Context, tombstone string, runs []string) error {
	if err := n.Start(ctx); err != nil {
		return err
	}
	_, err := n.add(ctx, func(b *chain.Book) (chain.Statement, bool, error) {
		s := b.Next(chain.PurgeBegins, n.Now())
		s.Tombstone, s.Runs = tombstone, runs
		s.Words = "A tenant is about to be purged from the runs named."
		return s, len(runs) > 0, nil
	})
	return err
}

// Purged adds a link for each purge that has begun and is done: it seals anew what the purge has changed.
func (n Notary) Purged(ctx context.Context) error {
	for range tries {
		left := 0
		_, err := n.add(ctx, func(b *chain.Book) (chain.Statement, bool, error) {
			left = len(b.Begun)
			for tombstone, runs := range b.Begun {
				s := b.Next(chain.Purge, n.Now())
				s.Tombstone, s.Words = tombstone, "A tenant was purged; a tombstone stands in its place in the runs named."
				var err error
				if s.Seals, err = n.changed(ctx, b, func(was chain.Standing) bool { return slices.Contains(runs, was.Run) }); err != nil {
					return s, false, err
				}
				s.Actions, err = n.purgedActions(ctx, b)
				return s, true, err
			}
			return chain.Statement{}, false, nil
		})
		if err != nil || left <= 1 {
			return err
		}
	}
	return nil
}

// Expiring adds a link that names the runs which retention is about to delete: those that started before t. It adds
// none where there is nothing to say.
func (n Notary) Expiring(ctx context.Context, t time.Time) error {
	runs, err := n.Store.ListRuns(ctx, report.RunsMost, false)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	last := int64(0)
	for _, run := range runs {
		there[run.Key] = true
		if run.Scope.Whole() && run.Phase == audit.PhaseDone {
			last = max(last, run.Seq)
		}
	}
	_, err = n.add(ctx, func(b *chain.Book) (chain.Statement, bool, error) {
		s := b.Next(chain.Retention, n.Now())
		s.Before, s.Words = t.UTC().Truncate(time.Microsecond), "What is older than retention is being deleted."
		for key, was := range b.Runs {
			if _, gone := b.Expired[key]; !gone && there[key] && was.Started.Before(t) && was.Seq < last {
				s.Runs = append(s.Runs, key)
			}
		}
		slices.Sort(s.Runs)
		for id := range b.Actions {
			if at := time.UnixMicro(id.At); at.Before(t) && !at.Before(b.Before) {
				return s, true, nil
			}
		}
		return s, len(s.Runs) > 0, nil
	})
	return err
}

// concluded are the concluded runs, oldest first.
func (n Notary) concluded(ctx context.Context) ([]audit.Run, error) {
	runs, err := n.Store.ListRuns(ctx, report.RunsMost, false)
	runs = slices.DeleteFunc(runs, func(r audit.Run) bool { return r.Status != audit.RunConcluded })
	slices.Reverse(runs)
	return runs, err
}

func sealOf(run audit.Run) chain.Seal {
	return chain.Seal{Run: run.Key, Seq: run.Seq, Started: run.StartedAt.UTC().Truncate(time.Microsecond)}
}

// seal states what a run has left; digest is its report's, "" where that is to be rebuilt.
func (n Notary) seal(ctx context.Context, run audit.Run, digest string) (chain.Seal, error) {
	seal := sealOf(run)
	var err error
	if seal.Rows, err = RowsOf(ctx, n.Store, run); err != nil {
		return seal, err
	}
	if seal.Report = digest; digest == "" {
		s, err := report.Build(ctx, n.Store, run.Key, n.Options)
		if err != nil {
			return seal, err
		}
		if seal.Report, err = s.Digest(ctx, n.Store); err != nil {
			return seal, err
		}
	}
	return seal, nil
}

// changed seals anew those of the sealed runs that are there and not as their last seals say.
func (n Notary) changed(ctx context.Context, b *chain.Book, concerns func(chain.Standing) bool) ([]chain.Seal, error) {
	var seals []chain.Seal
	for _, was := range b.Runs {
		if !concerns(was) {
			continue
		}
		run, err := n.Store.LoadRun(ctx, was.Run)
		if errors.Is(err, audit.ErrNoRun) {
			continue
		}
		if err != nil {
			return nil, err
		}
		seal, err := n.seal(ctx, run, "")
		if err != nil {
			return nil, err
		}
		if same, _ := was.Compare(seal.Rows, seal.Report); !same {
			seals = append(seals, seal)
		}
	}
	slices.SortFunc(seals, func(a, b chain.Seal) int { return int(a.Seq - b.Seq) })
	return seals, nil
}

// Book is what the chain states by now.
func (n Notary) Book(ctx context.Context) (*chain.Book, error) {
	links, err := AllLinks(ctx, n.Store)
	book, _ := chain.Read(links, nil)
	return book, err
}

// AsSealed reports whether a run whose report has the digest is as its last seal says. One that has none is.
func (n Notary) AsSealed(ctx context.Context, book *chain.Book, run audit.Run, digest string) (bool, error) {
	was, sealed := book.Runs[run.Key]
	if !sealed {
		return true, nil
	}
	rows, err := RowsOf(ctx, n.Store, run)
	same, _ := was.Compare(rows, digest)
	return same, err
}

// beginning is before all that was ever recorded, and end after all that will be.
var beginning, end = time.Time{}.AddDate(1000, 0, 0), time.Time{}.AddDate(8000, 0, 0)

// newActions are the operators' actions that no link has stated.
func (n Notary) newActions(ctx context.Context, b *chain.Book) (fresh []chain.ActionSeal, err error) {
	all, err := n.Store.Actions(ctx, beginning, end)
	for _, a := range all {
		if s := actionSeal(a); b.Actions[chain.ActionID{ID: s.ID, At: s.At.UnixMicro()}] == "" {
			fresh = append(fresh, s)
		}
	}
	return fresh, err
}

// purgedActions are the new ones and those whose target a purge has taken out.
func (n Notary) purgedActions(ctx context.Context, b *chain.Book) (changed []chain.ActionSeal, err error) {
	all, err := n.Store.Actions(ctx, beginning, end)
	for _, a := range all {
		s := actionSeal(a)
		was := b.Actions[chain.ActionID{ID: s.ID, At: s.At.UnixMicro()}]
		_, tombstone := audit.TombstoneTime(a.Target)
		if was == "" || was != s.Sum && a.What == audit.ActionBounced && a.Why == "" && tombstone {
			changed = append(changed, s)
		}
	}
	return changed, err
}

func actionSeal(a audit.Action) chain.ActionSeal {
	return chain.ActionSeal{ID: a.ID, At: a.At.UTC().Truncate(time.Microsecond), Sum: chain.SumOf("operator_actions",
		a.At.UTC().Format("2006-01-02T15:04:05.000000Z"), a.Who, a.What, a.Target, a.Why, a.Nonce)}
}

// String is the head for people to note elsewhere.
func (s Sealed) String() string {
	signed := "not signed"
	if s.Signed {
		signed = "signed"
	}
	return fmt.Sprintf("Evidence: link %d of the chain, %s, head %s", s.N, signed, s.Head)
}
