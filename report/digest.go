package report

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
)

// DigestFact is the name under which a run's digest is kept with it when its report is published. A tenant's purge
// changes the reports of old nights; the digest as it is since then is kept as DigestFact/TOMBSTONE.
const DigestFact = "report-sha256"

// TombstoneFact begins the name under which a run keeps that a tenant's purge was about to change it, and what
// [Sealed.Compared] said just before.
const TombstoneFact = "tombstone/"

const (
	comparedSame      = "same"
	comparedDifferent = "DIFFERENT"
	comparedNone      = "none was kept"
)

// Digest is the SHA-256, in hexadecimal, of what a concluded run's report says for good: the JSON report with
// mailboxes masked, without the counts of mails and the findings' "notice". Mails go on after the night (they
// are sent, held, released), everything else of it is rebuilt from the history to the same bytes, for as long as
// that is kept. Run the same night's report through it again to see that nothing was changed since.
func (s *Summary) Digest(ctx context.Context, src Source) (string, error) {
	sum := sha256.New()
	if err := s.WriteLasting(ctx, sum, src); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// WriteLasting writes what [Summary.Digest] is of.
func (s *Summary) WriteLasting(ctx context.Context, w io.Writer, src Source) error {
	masked := *s
	masked.FullAddresses = false
	return masked.writeJSON(ctx, w, src, true)
}

// KeptDigest is the digest that was kept of a run when it was published, or when a purge changed it last; "" if none was.
func KeptDigest(ctx context.Context, src Desk, key string) (string, error) {
	kept, err := src.Facts(ctx, key, DigestFact)
	if err != nil {
		return "", err
	}
	purges, err := src.Facts(ctx, key, TombstoneFact)
	return seal("", kept, purges).Kept, err
}

// Sealed is a concluded run's report held against the digest that was kept of it.
type Sealed struct {
	Kept     string // when it was published, or after the last purge that changed it; "" if none was
	Now      string // as it is rebuilt
	Compared string // "same", "DIFFERENT", and what a purge has to do with it
	unsealed []string
}

// Sealed rebuilds the run's digest and holds it against the one that was kept.
func (s *Summary) Sealed(ctx context.Context, src Ledger) (Sealed, error) {
	now, err := s.Digest(ctx, src)
	if err != nil {
		return Sealed{}, err
	}
	return s.SealedAs(ctx, src, now)
}

// SealedAs is Sealed where the digest is known.
func (s *Summary) SealedAs(ctx context.Context, src Ledger, now string) (Sealed, error) {
	kept, err := src.Facts(ctx, s.Run.Key, DigestFact)
	if err != nil {
		return Sealed{}, err
	}
	purges, err := src.Facts(ctx, s.Run.Key, TombstoneFact)
	return seal(now, kept, purges), err
}

// seal goes through the purges in their order: their names begin with when they were.
func seal(now string, kept, purges map[string]string) Sealed {
	out := Sealed{Kept: kept[DigestFact], Now: now}
	since, broken := "", ""
	for _, name := range slices.Sorted(maps.Keys(purges)) {
		tombstone := strings.TrimPrefix(name, TombstoneFact)
		switch digest, done := kept[DigestFact+"/"+tombstone]; {
		case purges[name] != comparedSame && broken == "":
			broken = tombstone
		case done && digest == out.Kept: // the tenant was not in what the digest covers
		case done:
			out.Kept, since = digest, tombstone
		default:
			out.unsealed = append(out.unsealed, tombstone)
		}
	}
	switch {
	case out.Kept == "":
		out.Compared = comparedNone
	case broken != "":
		out.unsealed = nil
		out.Compared = comparedDifferent + ", before the purge of " + purgeDay(broken) + " already"
	case now == out.Kept && since == "":
		out.Compared = comparedSame
	case now == out.Kept:
		out.Compared = comparedSame + " since the purge of " + purgeDay(since)
	case len(out.unsealed) > 0:
		out.Compared = comparedDifferent + ", the purge of " + purgeDay(out.unsealed[0]) + " was cut off: purge again"
	default:
		out.Compared = comparedDifferent
	}
	return out
}

func purgeDay(tombstone string) string {
	at, ok := audit.TombstoneTime(tombstone)
	if !ok {
		return tombstone
	}
	return at.Format(time.DateOnly)
}

// BeforePurge notes with a concluded run that a tenant's purge is about to change its report, and whether it is
// what was published until then. asSealed says whether the chain of evidence agrees.
func (s *Summary) BeforePurge(ctx context.Context, store Ledger, tombstone string, is Sealed, asSealed bool) error {
	if is.Kept == "" {
		return nil
	}
	compared := is.Compared
	switch {
	case is.Now == is.Kept && asSealed:
		compared = comparedSame
	case !asSealed:
		compared = comparedDifferent
	}
	_, err := store.KeepFact(ctx, s.Run.Key, TombstoneFact+tombstone, compared)
	return err
}

// Unsealed reports whether purges have changed the report, or were about to, since its digest was kept last.
func (is Sealed) Unsealed() bool { return len(is.unsealed) > 0 }

// SealAgain keeps the digest of a report that purges have changed. One that was not what was published before
// them is not sealed again.
func (s *Summary) SealAgain(ctx context.Context, store Ledger, is Sealed) error {
	for _, tombstone := range is.unsealed {
		if _, err := store.KeepFact(ctx, s.Run.Key, DigestFact+"/"+tombstone, is.Now); err != nil {
			return err
		}
	}
	return nil
}
