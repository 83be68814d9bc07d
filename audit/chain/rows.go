package chain

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
)

// Rows digests rows in the order in which they are added: by table, then by key. The zero value is ready.
type Rows struct {
	sum   hash.Hash
	count int
}

// Add takes one row: the table and each column as text. Each row is hashed as a JSON array on a line of its own, so
// that no two rows run together.
func (r *Rows) Add(table string, columns ...string) {
	if r.sum == nil {
		r.sum = sha256.New()
	}
	line, _ := json.Marshal(append([]string{table}, columns...)) // texts always marshal
	r.sum.Write(append(line, '\n'))
	r.count++
}

// Digest is of the rows so far.
func (r *Rows) Digest() Digest {
	if r.sum == nil {
		r.sum = sha256.New()
	}
	return Digest{Count: r.count, Sum: hex.EncodeToString(r.sum.Sum(nil))}
}

// SumOf is the digest of a single row.
func SumOf(table string, columns ...string) string {
	var r Rows
	r.Add(table, columns...)
	return r.Digest().Sum
}
