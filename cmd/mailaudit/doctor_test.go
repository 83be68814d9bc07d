package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"mailaudit/audit/sqlite"
	"mailaudit/providers/sim"
)

// doctorLine gives the line of that subject, "" if there is none.
func doctorLine(out, mark, subject string) string {
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) > 2 && fields[0] == mark && fields[1] == subject {
			return line
		}
	}
	return ""
}

func TestDoctorFindsNothing(t *testing.T) {
	t.Parallel()
	s := watchedScene(t)
	s.settings["report"] = inYAML(map[string]any{"dir": s.path("report/new")})
	s.settings["time_zone"] = "America/Chicago"
	s.done("run", "--key", "first")
	asked := s.counters()
	posts, mails := len(s.slack.Posts()), len(s.relay.Messages())
	out := s.done("doctor")
	for subject, says := range map[string]string{
		"configuration": "mailaudit.yaml", "keys": "are read", "database": "nobody works on it", "secrets": "opens",
		"fingerprints": "2 of 2", "notices": "no mail is overdue", "runs": "first", "relay": "lets us in", "slack": "Simulated",
		"clock": "agrees", "provider": "smtp.gmail.com:465 greets us over TLS 1.3, left by 127.0.0.1", "report.dir": "can be written",
		"schedule": "02:15",
	} {
		if line := doctorLine(out, "ok", subject); !strings.Contains(line, says) {
			t.Errorf("%s: %q does not say %q", subject, line, says)
		}
	}
	if strings.Contains(out, "FAIL") {
		t.Errorf("a difference where all is well:\n%s", out)
	}
	if n := s.counters(); n.Credentials != asked.Credentials || n.Auths != asked.Auths {
		t.Errorf("a credential was sent: %+v after %+v", n, asked)
	}
	if len(s.slack.Posts()) != posts || len(s.relay.Messages()) != mails {
		t.Error("something was posted or mailed")
	}
	if _, err := os.Stat(s.path("report/new")); err == nil && s.report("first").Run.Status == "" {
		t.Error("the folder was left behind")
	}
	s.leftClean()
}

// Each thing that a night needs is missed by name, with its mend, and the rest is looked at all the same.
func TestDoctorFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		spoil   func(*scene)
		subject string
		says    []string
	}{
		{"no keyset", func(s *scene) { s.need(os.Remove(s.path("keyset.json"))) }, "keys", []string{"keyset", "restore them"}},
		{"no fingerprint key", func(s *scene) { s.need(os.Remove(s.path("fingerprint.json"))) }, "keys", []string{"fingerprint"}},
		{"another keyset", func(s *scene) {
			s.need(os.Mkdir(s.path("second"), 0o700))
			s.done("keys", "new", "--out", s.path("second/keyset.json"))
			s.settings["keyset"] = "file:" + s.path("second/keyset.json")
			s.settings["fingerprint_key"] = "file:" + s.path("fingerprint.json")
		}, "secrets", []string{"keyset that sealed them"}},
		{"another fingerprint key", func(s *scene) {
			s.need(os.Mkdir(s.path("second"), 0o700))
			s.done("keys", "new", "--out", s.path("second/keyset.json"))
			s.settings["fingerprint_key"] = "file:" + s.path("second/fingerprint.json")
		}, "fingerprints", []string{"none of 3", "never rotated"}},
		{"no database", func(s *scene) { s.need(os.Remove(s.path("mailaudit.db"))) }, "database", []string{"does not exist", "migrate"}},
		{"a file that is no database", func(s *scene) {
			for _, end := range []string{"-wal", "-shm"} {
				os.Remove(s.path("mailaudit.db" + end))
			}
			s.need(os.WriteFile(s.path("mailaudit.db"), []byte(strings.Repeat("no database ", 500)), 0o600))
		}, "database", []string{"not a database"}},
		{"no account", func(s *scene) {
			s.done("accounts", "remove", "a-1")
			s.done("accounts", "remove", "a-2")
			s.done("accounts", "remove", "a-3")
		},
			"accounts", []string{"accounts import"}},
		{"relay refuses the login", func(s *scene) {
			s.settings["relay"] = strings.Replace(s.settings["relay"], sceneRelayPassword, "another-one", 1)
		}, "relay", []string{"535", "relay.password"}},
		{"no relay there", func(s *scene) { s.relay.Close() }, "relay", []string{"refused", "relay.url"}},
		{"relay's certificate", func(s *scene) {
			s.settings["relay"] = strings.Replace(s.settings["relay"], "localhost", "127.0.0.1", 1)
		}, "relay", []string{"certificate"}},
		{"Slack's token", func(s *scene) {
			s.slack.SetMood(sim.SlackMood{Errors: map[string]string{"auth.test": "token_revoked"}})
		},
			"slack", []string{"token_revoked", "slack.token"}},
		{"Slack's channel", func(s *scene) {
			s.slack.SetMood(sim.SlackMood{Errors: map[string]string{"conversations.info": "is_archived"}})
		}, "slack", []string{"is_archived", "unarchive"}},
		{"Slack is not there", func(s *scene) { s.slack.Close() }, "slack", []string{"refused", "slack.api_url"}},
		{"the clock", func(s *scene) {
			wrong := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
			}))
			s.t.Cleanup(wrong.Close)
			s.settings["slack"] = inYAML(map[string]any{"token": sceneSlackToken, "channel": "C0SCENE", "api_url": wrong.URL})
		}, "clock", []string{"1h0m", "NTP"}},
		{"a provider that is not there", func(s *scene) { s.servers[0].Close() }, "provider", []string{"Google at smtp.gmail.com:465", "465 and 587"}},
		{"a provider's certificate", func(s *scene) { s.servers[0].SetMood(sim.Mood{Certificate: sim.CertificateExpired}) }, "provider", []string{"ca-certificates"}},
		{"a provider that turns us away", func(s *scene) {
			s.servers[0].SetMood(sim.Mood{At: map[sim.Step]sim.Act{sim.AtGreeting: sim.SayAndDrop("421 4.7.0 Try again later")}})
		}, "provider", []string{"421", "network.proxy"}},
		{"report.dir", func(s *scene) {
			s.need(os.WriteFile(s.path("report"), nil, 0o600))
			s.settings["report"] = inYAML(map[string]any{"dir": s.path("report")})
		}, "report.dir", []string{"not a directory", "the right to write"}},
		{"a guide of the operator's own", func(s *scene) {
			s.need(os.MkdirAll(s.path("guides/google"), 0o700))
			s.need(os.WriteFile(s.path("guides/google/en.md"), []byte("## no such heading: at all\n"), 0o600))
			s.settings["notices"] = strings.Replace(s.settings["notices"], "{", "{guides_dir: "+s.path("guides")+", ", 1)
		}, "guides", []string{"en.md", "guides_dir"}},
		{"mails are overdue", func(s *scene) {
			s.settings["notices"] = strings.Replace(s.settings["notices"], `send_between: ""`, `send_between: "Mon-Sun 03:00-04:00"`, 1)
			s.atNight(1)
			s.done("run", "--key", "second")
			s.clock.set(s.clock.now().Add(25*time.Hour + 30*time.Minute))
		}, "notices", []string{"24 hours", "mailaudit deliver"}},
		{"no run for two days", func(s *scene) { s.atNight(2) }, "runs", []string{"first", "CronJob"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.play(sim.Google(), sim.Mood{})
			var rows []row
			for _, id := range []string{"a-1", "a-2", "a-3"} {
				s.world.Set(id+"@gmail.com", sim.Account{Password: "own", TwoFactor: true})
				rows = append(rows, row{"account_id": id, "tenant_id": id, "contact_email": id + "@clinic.example", "address": id + "@gmail.com", "secret": "abcdefghijklmnop"})
			}
			s.install(rows...)
			if tt.name != "mails are overdue" {
				s.done("run", "--key", "first")
			}
			tt.spoil(s)
			o := s.do("--log-level", "error", "doctor")
			line := doctorLine(o.stdout, "FAIL", tt.subject)
			for _, want := range tt.says {
				if !strings.Contains(line, want) {
					t.Errorf("%q does not say %q; all of it:\n%s%s", line, want, o.stdout, o.stderr)
				}
			}
			if o.code != exitFail || strings.Count(o.stderr, "\n") != 1 {
				t.Errorf("exit %d: %s", o.code, o.stderr)
			}
			if !strings.Contains(o.stdout, "schedule") {
				t.Errorf("it stopped half-way:\n%s", o.stdout)
			}
		})
	}
}

func TestDoctorBesideAWorkingCommand(t *testing.T) {
	t.Parallel()
	s := watchedScene(t)
	unlock, err := sqlite.Lock(s.path("mailaudit.db"))
	s.need(err)
	defer unlock()
	if line := doctorLine(s.done("doctor"), "ok", "database"); !strings.Contains(line, "works on it now") {
		t.Errorf("said %q", line)
	}
}

func TestDoctorIsInterrupted(t *testing.T) {
	t.Parallel()
	s := watchedScene(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted{15})
	if o := s.doUntil(ctx, "doctor"); o.code != 143 {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
}

func TestDoctorWithAWrongConfiguration(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.settings["windw"] = "4h"
	if o := s.do("doctor"); o.code != exitUsage || !strings.Contains(o.stderr, "windw") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
}
