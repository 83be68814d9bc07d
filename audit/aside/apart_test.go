package aside

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mailaudit/audit"
)

var (
	errRow  = &audit.RowError{Err: errors.New("bad")}
	errAway = errors.New("connection refused")
	errLock = errors.New("lock timeout")
)

// Whatever items fail, all others are done exactly once, and the failing ones are set aside by name.
func TestApartSetsAsideWhatFailsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 70).Draw(t, "items")
		bad, breaking := map[int]bool{}, map[int]bool{}
		var items, want []int
		for i := range n {
			items = append(items, i)
			switch rapid.IntRange(0, 9).Draw(t, "fate") {
			case 0:
				bad[i] = true
			case 1:
				breaking[i] = true
			default:
				want = append(want, i)
			}
		}
		var done, aside []int
		calls := 0
		err := Apart(items, func(err error) bool { b, _ := audit.OwnBlame(err); return b == audit.BlameRow }, func(some []int) error {
			calls++
			for _, i := range some {
				if bad[i] {
					return errRow
				}
				if breaking[i] {
					panic("strange item")
				}
			}
			done = append(done, some...)
			return nil
		}, func(i int, err error) error {
			if err == nil {
				t.Fatalf("%d was set aside for nothing", i)
			}
			aside = append(aside, i)
			return nil
		})
		if err != nil || !slices.Equal(done, want) || len(done)+len(aside) != n {
			t.Fatalf("%v: done %v, want %v; aside %v", err, done, want, aside)
		}
		if most := 1 + 14*len(aside); n > 0 && calls > most {
			t.Fatalf("%d calls for %d of %d", calls, len(aside), n)
		}
	})
}

// What is no item's fault ends it at once: nothing else is tried while the database is away.
func TestApartWaitsForADatabaseThatIsAway(t *testing.T) {
	calls := 0
	err := Apart([]int{1, 2, 3, 4}, func(error) bool { return false }, func([]int) error { calls++; return errAway },
		func(int, error) error { t.Error("set aside"); return nil })
	if !errors.Is(err, errAway) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

// blames names what the errors of these tests concern.
type blames struct{}

func (blames) Blame(err error) (audit.Blame, string) {
	if errors.Is(err, errAway) {
		return audit.BlameAway, "away"
	}
	return audit.OwnBlame(err)
}

func TestWhatARunGoesOnWithout(t *testing.T) {
	now := time.Date(2026, 11, 24, 6, 15, 0, 0, time.UTC)
	a := &Keeper{Now: func() time.Time { return now }}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	within, over := audit.Run{Deadline: now.Add(time.Second)}, audit.Run{Deadline: now}
	for _, tt := range []struct {
		what string
		ctx  context.Context
		run  audit.Run
		err  error
		want bool
	}{
		{"a row", t.Context(), within, errRow, true},
		{"a row, between the runs", t.Context(), audit.Run{}, errRow, true},
		{"a fault of the program", t.Context(), within, Unbroken(func() error { panic("x") }), true},
		{"a lock within the window", t.Context(), within, errLock, false},
		{"a lock between the runs", t.Context(), audit.Run{}, errLock, false},
		{"a lock at the window's end", t.Context(), over, errLock, true},
		{"a database that is away", t.Context(), within, errAway, false},
		{"a database that is away at the window's end", t.Context(), over, errAway, false},
		{"a stop", ended, over, errRow, false},
	} {
		if got := a.Spares(tt.ctx, tt.run, blames{})(tt.err); got != tt.want {
			t.Errorf("%s: goes on %v", tt.what, got)
		}
	}
	spare := a.Spares(t.Context(), over, blames{})
	n := 0
	for spare(errLock) {
		n++
	}
	if n != unsaidAtMost {
		t.Errorf("%d locks are taken for single items'", n)
	}
}

// A panic's value may be anything, a secret too.
func TestBrokenOffSaysNothingOfTheValue(t *testing.T) {
	err := Unbroken(func() error { panic("hunter2") })
	if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), "hunter2") {
		t.Errorf("%v", err)
	}
}

func TestAsidesAreNamedForOperations(t *testing.T) {
	kept := facts{kept: map[string]string{}}
	a := &Keeper{Ledger: kept, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	for i := range 7 {
		if err := a.SetAside(t.Context(), audit.Run{Key: "k"}, audit.AsideRow, fmt.Sprintf("a-%d", i), blames{}, errRow); err != nil {
			t.Fatal(err)
		}
	}
	for kind, id := range map[audit.AsideKind]string{audit.AsideMail: "M-7", audit.AsidePlan: "", audit.AsideSecret: "a/8"} {
		if err := a.SetAside(t.Context(), audit.Run{Key: "k"}, kind, id, blames{}, errLock); err != nil {
			t.Fatal(err)
		}
	}
	if err := audit.NoteTrouble(t.Context(), a.Ledger, "k", audit.Trouble{What: "the keyset opens nothing"}); err != nil {
		t.Fatal(err)
	}
	all, err := audit.Troubles(t.Context(), kept, "k")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, trouble := range all {
		got = append(got, trouble.What)
	}
	want := []string{
		"set aside: e-mail M-7 cannot be prepared",
		"set aside: the rows of 7 accounts cannot be read (a-0, a-1, a-2, a-3, a-4 and 2 more): unreadable",
		"set aside: the source table or view cannot be read to its end",
		"set aside: the stored secret of account a/8 cannot be read",
		"the keyset opens nothing",
	}
	if !slices.Equal(got, want) {
		t.Errorf("operations are told %q, want %q", got, want)
	}
	for kind := range audit.AsideTexts {
		if text := (audit.Asides{kind: {"x": ""}}).Troubles(); len(text) != 1 || strings.Contains(text[0].What, "%") || text[0].Fix == "" {
			t.Errorf("%s: %v", kind, text)
		}
		if text := (audit.Asides{kind: {"x": "", "y": ""}}).Troubles(); len(text) != 1 || strings.Contains(text[0].What, "%") {
			t.Errorf("%s: %v", kind, text)
		}
	}
}

// facts is a ledger that keeps facts alone.
type facts struct {
	Ledger
	kept map[string]string
}

func (f facts) KeepFact(_ context.Context, _, name, value string) (string, error) {
	if _, taken := f.kept[name]; !taken {
		f.kept[name] = value
	}
	return f.kept[name], nil
}

func (f facts) Facts(_ context.Context, _, prefix string) (map[string]string, error) {
	found := map[string]string{}
	for name, value := range f.kept {
		if strings.HasPrefix(name, prefix) {
			found[name] = value
		}
	}
	return found, nil
}
