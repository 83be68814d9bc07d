package postgres

import (
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
)

// A view may take long over each row. A page that the source does not answer in time becomes smaller pages, and so do those
// behind it. Some views compute all of their rows for any page, such as those with volatile functions: these get more time,
// for smaller pages only ask them more often. What was found holds until the columns are read anew.

const (
	// leastPage is the smallest page; a source that is too slow for it is given time.
	leastPage = 30
	// shrinkBy is how much smaller the next page is; each size that is too large costs a statement's timeout.
	shrinkBy = 8
)

// pageSize is how many rows of the source one statement reads at most; the zero value sets no bound.
type pageSize struct {
	most    atomic.Int64
	patient atomic.Bool
}

// begin opens a transaction for reading.
func (p *pageSize) begin() string {
	if p.patient.Load() {
		return beginReadingSlowly
	}
	return beginReading
}

func (p *pageSize) of(wanted int) int {
	if most := int(p.most.Load()); most > 0 {
		return min(wanted, most)
	}
	return wanted
}

// shrink makes pages smaller after an error that one of a size met, and reports whether a smaller one may help.
func (p *pageSize) shrink(size int, err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "57014" {
		return false
	}
	if size <= leastPage {
		p.most.Store(0)
		return !p.patient.Swap(true)
	}
	if p.patient.Load() {
		return false
	}
	p.most.Store(int64(max(leastPage, size/shrinkBy)))
	return true
}

// pagewise reads up to limit rows behind an id, in pages that the source answers in time.
func pagewise[T any](p *pageSize, after string, limit int, id func(T) string, read func(after string, limit int) ([]T, error)) ([]T, error) {
	var all []T
	for len(all) < limit {
		size := p.of(limit - len(all))
		page, err := read(after, size)
		if p.shrink(size, err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < size {
			break
		}
		after = id(page[len(page)-1])
	}
	return all, nil
}

// idwise reads the rows of ids, so many at a time as the source answers in time.
func idwise(p *pageSize, ids []string, read func(some []string) error) error {
	for len(ids) > 0 {
		size := p.of(len(ids))
		err := read(ids[:size])
		if p.shrink(size, err) {
			continue
		}
		if err != nil {
			return err
		}
		ids = ids[size:]
	}
	return nil
}
