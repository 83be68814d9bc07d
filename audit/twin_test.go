package audit

import (
	"fmt"
	"testing"
)

func TestLoginsMetBefore(t *testing.T) {
	const logins = 100_000
	m := newMet()
	for round := range 2 {
		met := 0
		for i := range logins {
			if m.before(fmt.Sprintf("login %d", i)) {
				met++
			}
		}
		if want := round * logins; met != want && met > want+1 {
			t.Errorf("round %d: %d of %d logins were met before", round+1, met, logins)
		}
	}
}
