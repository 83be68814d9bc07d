package decide

import "testing"

func TestApproved(t *testing.T) {
	people := []string{"U1", "U2", "U3"}
	for _, tt := range []struct {
		name        string
		held, bound int
		wanting     []string
		want        bool
	}{
		{"one is enough below the bound", 10, 10, []string{"U1"}, true},
		{"no bound", 1000, 0, []string{"U1"}, true},
		{"one above the bound", 11, 10, []string{"U1"}, false},
		{"the same person twice", 11, 10, []string{"U1", "U1"}, false},
		{"two people", 11, 10, []string{"U1", "U2"}, true},
		{"a stranger beside one", 11, 10, []string{"U1", "U9"}, false},
		{"a stranger alone", 1, 0, []string{"U9"}, false},
	} {
		if got := Approved(tt.held, tt.bound, people, tt.wanting); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
