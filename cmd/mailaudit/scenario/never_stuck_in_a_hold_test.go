package scenario

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/cmd/mailaudit/exit"
	"mailaudit/providers/sim"
)

// alone runs a command as a process of its own, by the scene's clock. It fails the test if the process does not end.
func (s *scene) alone(args ...string) outcome {
	s.t.Helper()
	s.writeConfig()
	self, err := os.Executable()
	s.need(err)
	ctx, cancel := context.WithTimeout(s.t.Context(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, append([]string{"--config", s.path("mailaudit.yaml")}, args...)...)
	cmd.Env = append(append(os.Environ(), asProgram+"=elsewhen", clockAhead+"="+s.clock.Ahead.String()), s.env...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	var exit *exec.ExitError
	if err := cmd.Run(); ctx.Err() != nil {
		s.t.Fatalf("mailaudit %s does not end:\n%s", strings.Join(args, " "), lastLines(said.String(), 12))
	} else if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), said.String()}
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(len(lines)-n, 0):], "\n")
}

// families are eight clinics with three mailboxes at Google each, a1 to h3, and one at Yahoo. All mailboxes of a
// clinic have one contact; that of g is that of h, too.
func families(t *testing.T, database string) *scene {
	t.Helper()
	s := newScene(t)
	s.keptIn(database)
	s.play(sim.Google(), sim.Mood{})
	s.play(sim.Yahoo(), sim.Mood{})
	var rows []row
	for _, clinic := range "abcdefgh" {
		for n, domain := range []string{"gmail.com", "gmail.com", "gmail.com", "yahoo.com"} {
			box := fmt.Sprintf("%c%d", clinic, n+1)
			login := box + ".desk@" + domain
			s.world.Set(login, sim.Account{Password: "own", AppPasswords: []string{clinicSecret}, TwoFactor: true})
			rows = append(rows, row{"account_id": box, "tenant_id": fmt.Sprintf("T-%c", clinic), "address": login,
				"secret": clinicSecret, "contact_email": familyContact(clinic)})
		}
	}
	s.install(rows...)
	return s
}

func familyContact(clinic rune) string {
	return fmt.Sprintf("family-%c@customers.example", min(clinic, 'g'))
}

// gmailTakes sets which app passwords Google takes for mailboxes of families, as in "a1 b2".
func (s *scene) gmailTakes(boxes string, secrets ...string) {
	for _, box := range strings.Fields(boxes) {
		s.world.Change(box+".desk@gmail.com", func(a *sim.Account) { a.AppPasswords = secrets })
	}
}

// An outage is held, and night after night some mailboxes of a contact work again: the hold shrinks with them,
// and no run waits for it.
func TestIncidentHoldOfContactsWithManyMailboxesLetsRunsConclude(t *testing.T) {
	t.Parallel()
	for _, database := range []string{inSQLite, inPostgres} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			s := families(t, database)
			night := func(n int) {
				t.Helper()
				s.atNight(n)
				key := fmt.Sprintf("night-%d", n)
				if o := s.alone("run", "--key", key); o.code != exit.Done {
					t.Fatalf("night %d: exit %d:\n%s", n, o.code, lastLines(o.stderr, 12))
				}
				if r := s.report(key); r.Run.Status != "concluded" {
					t.Errorf("night %d is %s", n, r.Run.Status)
				}
				if got := len(s.summaries()); got != n+1 {
					t.Errorf("%d summaries in Slack after night %d", got, n)
				}
			}
			night(0)
			s.gmailTakes("a1 a2 a3 b1 b2 b3 c1 c2 c3 d1 d2 d3 e1 e2 e3 f1 f2 f3 g1 g2 g3")
			night(1)
			s.holds(7)
			s.gmailTakes("a1 b1 b2 c1 c2 c3 g1", clinicSecret)
			night(2)
			s.holds(6)
			s.gmailTakes("a2 g2", clinicSecret)
			night(3)
			s.holds(6)
			s.nothingMailed()

			s.gmailTakes("d1 e1 e2 e3", clinicSecret) // since the last run
			if o := s.alone("notices", "release", "--run", "night-1", "--provider", "google", "--by", "maria"); o.code != exit.Done {
				t.Fatalf("release: exit %d:\n%s", o.code, lastLines(o.stderr, 12))
			}
			if o := s.alone("deliver"); o.code != exit.Done {
				t.Fatalf("deliver: exit %d:\n%s", o.code, lastLines(o.stderr, 12))
			}
			s.mailedTo(familyContact('a'), familyContact('b'), familyContact('d'), familyContact('f'), familyContact('g'))
			if got, want := s.boxesMailed(), "a3 b3 d2 d3 f1 f2 f3 g3"; got != want {
				t.Errorf("mails name the mailboxes %s, want %s", got, want)
			}
			night(4)
		})
	}
}

// boxesMailed are the mailboxes of families that mails name: a mask leaves the two characters that tell them apart.
func (s *scene) boxesMailed() string {
	var all []string
	masked := regexp.MustCompile(`\b([a-h][1-3])•+@gmail\.com`)
	for _, m := range s.relay.Messages() {
		for _, found := range masked.FindAllStringSubmatch(readLetter(s.t, m.Data).text, -1) {
			all = append(all, found[1])
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}
