package storetest

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

func testPaces(t *testing.T, s audit.Store) {
	startRun(t, s, "one", night)
	startRun(t, s, "two", night.Add(24*time.Hour))
	for _, n := range []struct {
		key, provider, process string
		found                  providers.Capacity
	}{
		{"one", "google", "p", providers.Capacity{}},
		{"one", "google", "q", providers.Capacity{AtOnce: 12}},
		{"one", "google", "p", providers.Capacity{AtOnce: 25, Refused: true}},
		{"one", "yahoo", "p", providers.Capacity{AtOnce: 3}},
		{"two", "google", "p", providers.Capacity{AtOnce: 7}},
	} {
		must(t, s.SaveCapacity(t.Context(), n.key, n.provider, n.process, n.found))
	}
	got, err := s.SavedCapacity(t.Context(), "one", "google")
	must(t, err)
	slices.SortFunc(got, func(x, y providers.Capacity) int { return cmp.Compare(x.AtOnce, y.AtOnce) })
	same(t, "the last word of each process", got, []providers.Capacity{{AtOnce: 12}, {AtOnce: 25, Refused: true}})
	got, err = s.SavedCapacity(t.Context(), "two", "yahoo")
	must(t, err)
	same(t, "of a provider that was not asked", len(got), 0)
}
