package evidence_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/audit/chain"
	"mailaudit/audit/seal"
	"mailaudit/report/evidence"
)

// tampered are columns that tell something of a run, by table.
var tampered = map[string][]string{
	"runs":             {"run_key", "seq", "status", "scope", "started_at", "finished_at", "accounts", "numbers"},
	"run_notes":        {"run_key", "account_id", "finding"},
	"verdict_changes":  {"account_id", "seq", "run_key", "tenant_id", "tenant_name", "address", "provider", "verdict", "previous", "two_factor", "certainty", "actor", "since", "rule", "reply", "reason"},
	"run_facts":        {"run_key", "name", "value"},
	"operator_actions": {"at", "who", "what", "target", "why", "nonce"},
	"chain":            {"n", "statement", "signature"},
}

var rowFilter = map[string]string{"run_facts": "WHERE name = 'rulings'"}

// Whoever may write to the database, or has the pack, and has not the signing key, is found: by the key and the head.
func TestATamperedPackOrDatabaseIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 7)
	w.night(6)
	older := w.pack()
	for range 3 {
		w.night(6)
	}
	w.purge("t1")
	w.night(6)
	head, keys := w.head(), w.signer.Public()
	honest := w.pack()
	if found := evidence.Verify(honest, keys, head); !found.OK() || !found.Signed || !found.AtHead || found.Runs != 5 {
		t.Fatalf("an honest pack: %+v", found)
	}
	other := newWorld(t, 9)
	for range 3 {
		other.night(8)
	}
	random := rand.New(rand.NewPCG(3, 4))
	kinds := map[string]int{}
	check := func(kind string, pack []byte) {
		t.Helper()
		kinds[kind]++
		if found := evidence.Verify(pack, keys, head); found.OK() {
			t.Errorf("%s is not found: %+v", kind, found)
		}
	}
	another := newSigner(t)
	for range 760 {
		f := open(t, honest)
		switch kind := random.IntN(8); kind {
		case 0:
			data := slices.Clone(honest)
			data[random.IntN(len(data))] ^= byte(1 + random.IntN(255))
			check("a byte of the zip", data)
		case 1, 2:
			i := random.IntN(len(f.names))
			if f.names[i] == "SHA256SUMS" {
				continue // it is renewed
			}
			f.change(random, i)
			check("a file changed, its hash renewed", f.write(t, nil))
		case 3:
			i := random.IntN(len(f.names))
			f.drop(f.names[i])
			check("a file dropped, the hashes renewed", f.write(t, nil))
		case 4:
			i, k := random.IntN(len(f.names)), random.IntN(len(f.names))
			if bytes.Equal(f.content[f.names[i]], f.content[f.names[k]]) {
				continue
			}
			f.content[f.names[i]], f.content[f.names[k]] = f.content[f.names[k]], f.content[f.names[i]]
			check("two files exchanged", f.write(t, nil))
		case 5:
			f.change(random, random.IntN(len(f.names)))
			check("signed again by another key", f.write(t, another))
		case 6:
			f.cutChain(1 + random.IntN(6))
			check("the chain cut off", f.write(t, nil))
		case 7:
			check("replaced by an older pack", older)
			check("replaced by another installation's pack", other.pack())
		}
	}

	tables := []string{"runs", "run_notes", "verdict_changes", "verdict_changes", "run_facts", "operator_actions", "chain"}
	for kinds["rows"] < 230 {
		w.exec("SAVEPOINT tamper")
		kind, ok := w.tamper(random, tables[random.IntN(len(tables))])
		if ok {
			kinds["rows"]++
			pack, err := w.tryPack()
			if err == nil {
				check(kind, pack)
			} else {
				kinds["the pack refuses"]++
			}
		}
		w.exec("ROLLBACK TO tamper")
		w.exec("RELEASE tamper")
	}
	// A run's rows and the whole chain made anew by a key of the attacker's own.
	for n := range 6 {
		w.exec("SAVEPOINT tamper")
		w.exec("UPDATE verdict_changes SET rule = 'google/other' WHERE account_id = ?", fmt.Sprintf("a%d", n))
		w.exec("DELETE FROM chain")
		w.exec("DELETE FROM run_facts WHERE name = 'report-sha256'")
		mine := w.signer
		w.signer = another
		runs, err := w.store.ListRuns(t.Context(), 100, false)
		w.must(err)
		w.seal(runs[0])
		check("the chain made anew by another key", w.pack())
		w.signer = mine
		w.exec("ROLLBACK TO tamper")
		w.exec("RELEASE tamper")
	}
	total := 0
	for kind, n := range kinds {
		if kind != "rows" && kind != "the pack refuses" {
			total += n
		}
	}
	if total += kinds["the pack refuses"]; total < 1000 {
		t.Errorf("%d tamperings: %v", total, kinds)
	}
	t.Logf("%d tamperings: %v", total, kinds)
	if found := evidence.Verify(w.pack(), keys, head); !found.OK() {
		t.Errorf("the database is not as it was: %v", found.Faults)
	}
}

// A purge and a pass of retention take rows away, and say so: nothing is reported, also where nights follow.
func TestPurgeAndRetentionAreNoTampering(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		w := newWorld(t, 100+seed)
		for range 5 {
			w.night(10)
		}
		noted := w.head()
		w.purge("t1")
		check := func(when string) {
			t.Helper()
			if found := evidence.Verify(w.pack(), w.signer.Public(), noted); !found.OK() {
				t.Errorf("seed %d, %s: %v", seed, when, found.Faults)
			}
		}
		check("after a purge")
		w.night(8)
		check("after the night that followed")
		if w.retain(4*24*time.Hour) == 0 {
			t.Errorf("seed %d: retention deleted nothing", seed)
		}
		check("after retention")
		w.purge("t2")
		w.night(8)
		check("after a purge and a night that followed retention")
		if w.retain(3*24*time.Hour) == 0 {
			t.Errorf("seed %d: retention deleted nothing the second time", seed)
		}
		check("after retention once more")
		w.exec("UPDATE verdict_changes SET two_factor = 'shown' WHERE seq = (SELECT max(seq) FROM verdict_changes)")
		if found := evidence.Verify(w.pack(), w.signer.Public(), noted); found.OK() {
			t.Errorf("seed %d: a change after all that is not found", seed)
		}
	}
}

// A purge seals nothing that was tampered with before it, and one that was cut off is named until it is done.
func TestAPurgeHidesNoTampering(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	for range 3 {
		w.night(8)
	}
	ctx := t.Context()
	tombstone := "purged-20260201T000000Z"
	// As if the program had died between the purge and its link.
	w.must(w.notary().PurgeBegins(ctx, tombstone, []string{"2026-01-06", "2026-01-07", "2026-01-08"}))
	w.exec("UPDATE verdict_changes SET tenant_name = '' WHERE tenant_id = 't1'")
	if found := evidence.Verify(w.pack(), w.signer.Public(), ""); found.OK() {
		t.Error("a purge that was cut off is not reported")
	}
	w.must(w.notary().Purged(ctx))
	if found := evidence.Verify(w.pack(), w.signer.Public(), ""); !found.OK() {
		t.Errorf("the purge is done: %v", found.Faults)
	}
	w.exec("UPDATE verdict_changes SET tenant_name = 'x' WHERE tenant_id = 't2'")
	w.must(w.notary().PurgeBegins(ctx, tombstone+"x", nil)) // announces none, since none is as it was sealed
	w.must(w.notary().Purged(ctx))
	if found := evidence.Verify(w.pack(), w.signer.Public(), ""); found.OK() {
		t.Error("a purge has sealed what was tampered with")
	}
}

// Without a key a pack can be consistent, and is not authenticated.
func TestWithoutAKeyNothingIsAuthenticated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.night(4)
	if found := evidence.Verify(w.pack(), nil, ""); found.Verdict() != "consistent, not authenticated" || found.Signed {
		t.Errorf("%+v", found)
	}
	if found := evidence.Verify(w.pack(), newSigner(t).Public(), ""); found.OK() {
		t.Error("another key is taken")
	}
}

// tamper changes a row of the table, drops one, or exchanges a column of two; ok is false where nothing changed.
func (w *world) tamper(random *rand.Rand, table string) (kind string, ok bool) {
	w.t.Helper()
	columns := tampered[table]
	column := columns[random.IntN(len(columns))]
	where := rowFilter[table]
	pick := fmt.Sprintf("SELECT %s FROM %s %s ORDER BY 1 LIMIT 1 OFFSET abs(random()) %% (SELECT count(*) FROM %s %s)", rowKey(table), table, where, table, where)
	var key string
	if err := w.store.DB().QueryRow(pick).Scan(&key); err != nil {
		return "", false
	}
	this := rowKey(table) + " = ?"
	w.exec("PRAGMA defer_foreign_keys = ON")
	var res sql.Result
	var err error
	switch random.IntN(3) {
	case 0:
		kind = "dropped: " + table
		res, err = w.store.DB().Exec("DELETE FROM "+table+" WHERE "+this, key)
	case 1:
		kind = "changed: " + table + "." + column
		change := column + " = " + column + " || 'x'"
		if number(column) {
			change = column + " = " + column + " + 1"
		}
		if column == "signature" {
			change = "signature = randomblob(64)"
		}
		res, err = w.store.DB().Exec("UPDATE OR FAIL "+table+" SET "+change+" WHERE "+this, key)
	case 2:
		kind = "exchanged: " + table + "." + column
		var second string
		if err := w.store.DB().QueryRow(pick).Scan(&second); err != nil || second == key {
			return "", false
		}
		var a, b any
		read := "SELECT " + column + " FROM " + table + " WHERE " + this
		if errors.Join(w.store.DB().QueryRow(read, key).Scan(&a), w.store.DB().QueryRow(read, second).Scan(&b)) != nil || fmt.Sprint(a) == fmt.Sprint(b) {
			return "", false
		}
		if slices.Contains([]string{"run_key", "seq", "account_id", "n", "name"}, column) {
			return "", false // keys of other rows: exchanging them is what "changed" does
		}
		if _, err = w.store.DB().Exec("UPDATE "+table+" SET "+column+" = ? WHERE "+this, b, key); err == nil {
			res, err = w.store.DB().Exec("UPDATE "+table+" SET "+column+" = ? WHERE "+this, a, second)
		}
	}
	if err != nil {
		return "", false
	}
	n, err := res.RowsAffected()
	return kind, err == nil && n > 0
}

func rowKey(table string) string {
	switch table {
	case "runs":
		return "run_key"
	case "chain":
		return "n"
	case "operator_actions":
		return "action_id"
	case "run_facts":
		return "run_key || name"
	case "run_notes":
		return "run_key || '/' || account_id"
	}
	return "account_id || '/' || seq"
}

func number(column string) bool {
	return slices.Contains([]string{"seq", "started_at", "finished_at", "accounts", "since", "at", "n"}, column)
}

func (w *world) tryPack() ([]byte, error) {
	var out bytes.Buffer
	_, err := evidence.Write(w.t.Context(), &out, w.store, evidence.Request{
		From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC),
		Sign: w.signer.Sign, Program: "test", Options: w.options(),
	})
	return out.Bytes(), err
}

// unpacked is a pack in an attacker's hands.
type unpacked struct {
	names   []string
	content map[string][]byte
}

func open(t *testing.T, data []byte) *unpacked {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	u := &unpacked{content: map[string][]byte{}}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		u.names = append(u.names, f.Name)
		u.content[f.Name] = content
	}
	return u
}

func (u *unpacked) change(random *rand.Rand, i int) {
	content := slices.Clone(u.content[u.names[i]])
	if len(content) == 0 {
		content = []byte("x")
	} else {
		content[random.IntN(len(content))] ^= 1
	}
	u.content[u.names[i]] = content
}

func (u *unpacked) drop(name string) {
	u.names = slices.DeleteFunc(u.names, func(n string) bool { return n == name })
	delete(u.content, name)
}

// cutChain takes the last links away and the runs that only they state.
func (u *unpacked) cutChain(links int) {
	all := slices.DeleteFunc(slices.Clone(u.names), func(n string) bool { return !strings.HasPrefix(n, "chain/") })
	for _, name := range all[len(all)-2*min(links, len(all)/2-1):] {
		u.drop(name)
	}
}

// write makes a zip of it whose hashes are right; with a signer all is signed anew.
func (u *unpacked) write(t *testing.T, signer *seal.Signer) []byte {
	t.Helper()
	sign := func(text []byte) []byte {
		signature, err := signer.Sign(text)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	if signer != nil {
		for _, name := range u.names {
			if text, ok := strings.CutSuffix(name, ".sig"); ok && strings.HasPrefix(name, "chain/") {
				u.content[name] = sign(u.content[text+".txt"])
			}
		}
	}
	var sums strings.Builder
	for _, name := range u.names {
		if !strings.HasPrefix(name, "SHA256SUMS") {
			fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(u.content[name]), name)
		}
	}
	if _, there := u.content["SHA256SUMS"]; there {
		u.content["SHA256SUMS"] = []byte(sums.String())
		if signer != nil {
			u.content["SHA256SUMS.sig"] = sign([]byte(sums.String()))
		}
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	form := "sha256:"
	if err := z.SetComment(form + strings.Repeat("0", 64)); err != nil {
		t.Fatal(err)
	}
	for _, name := range u.names {
		in, err := z.Create(name)
		if err == nil {
			_, err = in.Write(u.content[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	body := out.Bytes()[:out.Len()-len(form)-64]
	sum := sha256.Sum256(body)
	return append(slices.Clone(body), form+hex.EncodeToString(sum[:])...)
}

var _ chain.Verifier = seal.PublicKeys(nil)
