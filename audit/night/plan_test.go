package night

import (
	"fmt"
	"slices"
	"testing"

	"mailaudit/audit"
)

func TestCut(t *testing.T) {
	chosen := func(n int) (all []choice) {
		for i := range n {
			all = append(all, choice{fmt.Sprint(i), "google", fmt.Sprint(i)})
		}
		return all
	}
	sizes := func(batches []audit.Batch) (all []int) {
		for _, b := range batches {
			all = append(all, len(b.IDs))
		}
		return all
	}
	for _, tt := range []struct {
		name             string
		accounts, atOnce int
		last             bool
		want             []int
	}{
		{"more follow", 500, 4, false, []int{200, 200, 100}},
		{"the last", 1000, 4, true, []int{125, 109, 95, 83, 73, 64, 56, 50, 50, 50, 50, 50, 50, 50, 45}},
		{"the last, where many are asked at once", 500, 150, true, []int{150, 150, 150, 50}},
		{"few", 30, 4, true, []int{30}},
		{"none", 0, 4, true, nil},
	} {
		a := &Auditor{Policy: audit.Policy{MaxConcurrency: map[string]int{"google": tt.atOnce}}}
		batches := a.cut(chosen(tt.accounts), nil, tt.last)
		if got := sizes(batches); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		next := 0
		for _, b := range batches {
			for _, id := range b.IDs {
				if id != fmt.Sprint(next) {
					t.Fatalf("%s: account %s comes where %d should", tt.name, id, next)
				}
				next++
			}
		}
	}
	mixed := append(chosen(3), choice{"y", "yahoo", "y"})
	got := (&Auditor{}).cut(mixed, map[string]bool{"1": true}, true)
	if len(got) != 3 || !got[1].Doubtful || !slices.Equal(got[1].IDs, []string{"1"}) || got[2].Provider != "yahoo" {
		t.Errorf("mixed: %+v", got)
	}

	// Where hosts ban, those that go first stand before the others in one line, each tenant in its turn.
	limited := &Auditor{Policy: audit.Policy{MaxRefusals: map[string]int{"other": 3}}}
	got = limited.cut([]choice{{"1", "other", "x"}, {"2", "other", "x"}, {"3", "other", "x"}, {"4", "other", "y"}, {"5", "other", "z"}},
		map[string]bool{"2": true, "3": true, "5": true}, true)
	if len(got) != 1 || !got[0].Doubtful || !slices.Equal(got[0].IDs, []string{"2", "5", "3", "1", "4"}) {
		t.Errorf("where hosts ban: %+v", got)
	}
}
