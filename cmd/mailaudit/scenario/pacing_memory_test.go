package scenario

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"mailaudit/providers/sim"
)

// What a provider bore one night is where the next one begins; what was found before that counts no more.
func TestNightBeginsWithWhatWasBorne(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	google := s.play(sim.Google(), sim.Mood{})
	var rows []row
	for i := range 300 {
		login := fmt.Sprintf("front%03d@gmail.com", i)
		s.world.Set(login, sim.Account{Password: "own", AppPasswords: []string{clinicSecret}, TwoFactor: true})
		rows = append(rows, row{"account_id": fmt.Sprintf("a-%03d", i), "tenant_id": "T-1", "address": login, "secret": clinicSecret})
	}
	s.settings["providers"] = `{google: {max_concurrency: 20, max_rate: 1000/s}}`
	s.install(rows...)
	recalled := regexp.MustCompile(`"pace recalled".*"AtOnce":(\d+),"Refused":(true|false)`)
	night := func(n int) (borne int, refused string) {
		s.atNight(n)
		said := s.do("--log-level", "debug", "--log-format", "json", "run").stderr
		if m := recalled.FindStringSubmatch(said); m != nil {
			borne, _ = strconv.Atoi(m[1])
			refused = m[2]
		}
		return borne, refused
	}
	google.SetMood(sim.Mood{Capacity: 6, AuthLatency: 50 * time.Millisecond})
	if borne, _ := night(0); borne != 0 {
		t.Errorf("the first night remembers %d", borne)
	}
	google.SetMood(sim.Mood{AuthLatency: 10 * time.Millisecond})
	if borne, refused := night(1); borne < 3 || borne > 6 || refused != "true" {
		t.Errorf("of a provider that bears 6 the second night remembers %d, refused %s", borne, refused)
	}
}
