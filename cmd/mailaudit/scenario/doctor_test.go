package scenario

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/audit/postgres/pgtest"
	"mailaudit/audit/sqlite"
	"mailaudit/cmd/mailaudit/cli"
	"mailaudit/cmd/mailaudit/exit"
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
		"configuration": "mailaudit.yaml", "keys": "are read", "database": "not locked", "secrets": "can be decrypted",
		"fingerprints": "2 of 2", "notices": "no mail is overdue", "runs": "first", "relay": "login OK", "slack": "Simulated",
		"clock": "agrees", "provider": "smtp.gmail.com:465: connected, TLS 1.3, source IP 127.0.0.1", "report.dir": "can be written",
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

// Each thing that a night needs is reported by name, with its fix, and the rest is checked all the same.
func TestDoctorFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		spoil   func(*scene)
		subject string
		says    []string
	}{
		{"no keyset", func(s *scene) { s.need(os.Remove(s.path("keyset.json"))) }, "keys", []string{"no such file", "keys new", "give the one that sealed"}},
		{"no fingerprint key", func(s *scene) { s.need(os.Remove(s.path("fingerprint.json"))) }, "keys", []string{"fingerprint", "restore the one"}},
		{"a keyset that is damaged", func(s *scene) { s.need(os.WriteFile(s.path("keyset.json"), []byte("{"), 0o600)) },
			"keys", []string{"keyset.json is not a Tink keyset", "restore them from their copy"}},
		{"an opener that is not installed", func(s *scene) {
			s.settings["keyset"] = "exec:" + s.path("opener")
			s.settings["fingerprint_key"] = "file:" + s.path("fingerprint.json")
		}, "keys", []string{"no such file", "whole path"}},
		{"an opener that ends at once", func(s *scene) {
			s.settings["keyset"] = "exec:/bin/false"
			s.settings["fingerprint_key"] = "file:" + s.path("fingerprint.json")
		}, "secrets", []string{"exit status 1", "start the program"}},
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
		{"no database", func(s *scene) { s.need(os.Remove(s.path("mailaudit.db"))) }, "database", []string{"does not exist", "accounts import"}},
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
		{"relay speaks TLS later", func(s *scene) { s.settings["relay"] = strings.Replace(s.settings["relay"], "smtp://", "smtps://", 1) },
			"relay", []string{"does not look like a TLS handshake", "smtps:// is TLS at once"}},
		{"relay's name", func(s *scene) {
			s.settings["relay"] = strings.Replace(s.settings["relay"], "localhost", "relay.nobody.invalid", 1)
		}, "relay", []string{"no such host", "DNS"}},
		{"no relay there", func(s *scene) { s.relay.Close() }, "relay", []string{"refused", "relay.url"}},
		{"relay refuses our greeting", func(s *scene) {
			s.settings["relay"] = `{url: "smtp://` + strictRelay(s.t) + `", from: "Clinic Support <support@product.example>"}`
		}, "relay", []string{"fully-qualified", "network.ehlo"}},
		{"relay's certificate", func(s *scene) {
			s.settings["relay"] = strings.Replace(s.settings["relay"], "localhost", "127.0.0.1", 1)
		}, "relay", []string{"certificate"}},
		{"Slack's token", func(s *scene) {
			s.slack.SetMood(sim.SlackMood{Errors: map[string]string{"auth.test": "token_revoked"}})
		},
			"slack", []string{"token_revoked", "slack.token"}},
		{"Slack's token is not one", func(s *scene) { s.slack.SetMood(sim.SlackMood{Errors: map[string]string{"auth.test": "invalid_auth"}}) },
			"slack", []string{"invalid_auth", "slack.token"}},
		{"Slack asks to wait", func(s *scene) { s.slack.SetMood(sim.SlackMood{Status: 429, RetryAfter: 30 * time.Second}) },
			"slack", []string{"asks to wait 30s", "fix: wait"}},
		{"Slack is ill", func(s *scene) { s.slack.SetMood(sim.SlackMood{Status: 503}) }, "slack", []string{"http 503", "Slack's own trouble"}},
		{"Slack says what nobody knows", func(s *scene) { s.slack.SetMood(sim.SlackMood{Errors: map[string]string{"auth.test": "fatal_error"}}) },
			"slack", []string{"fatal_error", "Slack's own trouble"}},
		{"another channel", func(s *scene) { s.settings["slack"] = strings.Replace(s.settings["slack"], "C0SCENE", "C0OTHER", 1) },
			"slack", []string{"channel_not_found", "slack.channel", "invite"}},
		{"outside Slack's channel", func(s *scene) {
			s.slack.SetMood(sim.SlackMood{Errors: map[string]string{"conversations.info": "not_in_channel"}})
		}, "slack", []string{"not_in_channel", "invite the app"}},
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
		{"a provider's name", func(s *scene) {
			s.places["smtp.gmail.com:465"] = "smtp.nobody.invalid:465"
		}, "provider", []string{"no such host", "name service"}},
		{"roots are missing", func(s *scene) {
			s.settings["network"] = inYAML(map[string]any{"connect_to": s.places, "timeout": "5s"})
		}, "provider", []string{"Google at smtp.gmail.com:465", "ca-certificates"}},
		{"the proxy is not there", func(s *scene) {
			s.settings["network"] = inYAML(map[string]any{"connect_to": s.places, "timeout": "5s", "tls_ca": s.path("ca.pem"), "proxy": "socks5://127.0.0.1:1"})
		}, "provider", []string{"refused", "check network.proxy"}},
		{"Slack's scope", func(s *scene) { s.slack.SetMood(sim.SlackMood{Scopes: "channels:read"}) }, "slack", []string{"missing_scope", "chat:write"}},
		{"another installation", func(s *scene) { s.settings["installation"] = "copy" }, "installation", []string{`belongs to installation "scene"`, `"copy"`, "set installation"}},
		{"a canary that is gone", func(s *scene) { s.setProvider("google", "canaries", map[string]any{"good": []string{"a-1", "gone"}}) },
			"canaries", []string{"providers.google.canaries names gone", "add the account"}},
		{"a canary of another provider", func(s *scene) { s.setProvider("yahoo", "canaries", map[string]any{"bad": []string{"a-1"}}) },
			"canaries", []string{"account a-1 of providers.yahoo.canaries is at Google", "providers.google"}},
		{"an OAuth client's secret that ends", func(s *scene) {
			s.setProvider("google", "oauth", map[string]any{"client_id": "client", "client_secret": "client-pw", "secret_expires": s.clock.Now().AddDate(0, 0, 9).Format(time.DateOnly)})
		}, "oauth", []string{"Google", "in 9 days", "secret_expires"}},
		{"no OAuth client", func(s *scene) {
			s.imported(row{"account_id": "a-4", "tenant_id": "a-4", "address": "a-4@gmail.com", "auth": "oauth2", "secret": "1//refresh"})
		}, "oauth", []string{"1 account signs in by OAuth", "providers.google.oauth has no client", "client_id"}},
		{"the opener is not there", func(s *scene) {
			s.settings["keyset"] = "unix:" + s.path("nobody.sock")
			s.settings["fingerprint_key"] = "file:" + s.path("fingerprint.json")
		}, "secrets", []string{"no such file", "start the program or sidecar"}},
		{"metrics.textfile", func(s *scene) {
			s.need(os.WriteFile(s.path("textfile"), nil, 0o600))
			s.settings["metrics"] = inYAML(map[string]any{"textfile": s.path("textfile/mailaudit.prom")})
		}, "textfile", []string{"not a directory", "the right to write"}},
		{"dead_man_url", func(s *scene) { s.settings["dead_man_url"] = "http://127.0.0.1:1/" + deadManSecret },
			"watchers", []string{"dead_man_url: 127.0.0.1 does not answer", "refused", "check the address"}},
		{"metrics.pushgateway", func(s *scene) {
			gone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
			s.t.Cleanup(gone.Close)
			s.settings["metrics"] = inYAML(map[string]any{"pushgateway": strings.Replace(gone.URL, "//", "//push:"+gatewayPassword+"@", 1)})
		}, "watchers", []string{"metrics.pushgateway: 127.0.0.1", "http 502", "firewall"}},
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
			s.clock.Set(s.clock.Now().Add(25*time.Hour + 30*time.Minute))
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
			if o.code != exit.Failed || strings.Count(o.stderr, "\n") != 1 {
				t.Errorf("exit %d: %s", o.code, o.stderr)
			}
			for _, secret := range []string{deadManSecret, gatewayPassword, sceneRelayPassword, sceneSlackToken, "another-one"} {
				if strings.Contains(o.stdout+o.stderr, secret) {
					t.Errorf("a secret is told: %s%s", o.stdout, o.stderr)
				}
			}
			if !strings.Contains(o.stdout, "schedule") {
				t.Errorf("it stopped half-way:\n%s", o.stdout)
			}
		})
	}
}

// setProvider changes one key of a provider.
func (s *scene) setProvider(name, key string, value any) {
	all := generous()
	all[name].(map[string]any)[key] = value
	s.settings["providers"] = inYAML(all)
}

// On PostgreSQL more can be missing: the server, the tables, and each of the role's grants.
func TestDoctorOnPostgres(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Own(t)
	s := newScene(t)
	s.play(sim.Google(), sim.Mood{})
	s.settings["database"] = cluster.URL("postgres", "mailaudit")
	fails := func(subject string, says ...string) {
		t.Helper()
		o := s.do("--log-level", "error", "doctor")
		line := doctorLine(o.stdout, "FAIL", subject)
		for _, want := range says {
			if !strings.Contains(line, want) {
				t.Errorf("%q does not say %q; all of it:\n%s%s", line, want, o.stdout, o.stderr)
			}
		}
	}
	s.done("keys", "new", "--out", s.path("keyset.json"))
	fails("database", "does not exist", "user and password in the URL")
	cluster.Psql(t, "postgres", deployDir+"/postgres/role.sql")
	s.settings["database"] = cluster.URL("nowhere", "mailaudit")
	fails("database", "does not exist", "the database's name in the URL")
	s.settings["database"] = cluster.URL("postgres", "mailaudit")
	fails("database", "mailaudit migrate")
	s.done("migrate")
	s.imported(row{"account_id": "a-1", "tenant_id": "t", "address": "a-1@gmail.com", "secret": "abcdefghijklmnop"})
	s.done("doctor")

	cluster.Exec(t, "postgres", `CREATE SCHEMA app; CREATE TABLE app.boxes AS SELECT account_id, tenant_id, address, secret FROM mailaudit.mail_accounts`)
	s.settings["accounts"] = `{relation: app.boxes}`
	fails("accounts", "app.boxes", "deploy/postgres/accounts.sql")
	if o := s.do("run"); o.code != exit.Usage || !strings.Contains(o.stderr, "app.boxes") {
		t.Errorf("a run on a relation that does not fit: exit %d: %s", o.code, o.stderr)
	}
	cluster.Exec(t, "postgres", `GRANT USAGE ON SCHEMA app TO mailaudit; GRANT SELECT (account_id, tenant_id, address) ON app.boxes TO mailaudit`)
	fails("accounts", "column secret may not be read")
	cluster.Psql(t, "postgres", deployDir+"/postgres/accounts.sql", "schema=app", "relation=boxes")
	s.done("doctor")
	s.settings["accounts"] = `{relation: app.no_such}`
	fails("accounts", "app.no_such")
	delete(s.settings, "accounts")

	cluster.Exec(t, "postgres", `INSERT INTO mailaudit.goose_db_version (version_id, is_applied) VALUES (999, true)`)
	fails("database", "install the newer mailaudit")
	cluster.Exec(t, "postgres", `DELETE FROM mailaudit.goose_db_version WHERE version_id = 999`)

	cluster.Exec(t, "postgres", `ALTER TABLE mailaudit.settings OWNER TO postgres; GRANT SELECT ON mailaudit.settings TO mailaudit`)
	fails("database", "it can be read and not written", "permission denied", "grants")
	s.need(cluster.Down())
	fails("database", "refused", "the server is up")
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

// A key file that others may read is told; a watcher is asked whether it is there and given no sign of a night.
func TestDoctorNotes(t *testing.T) {
	t.Parallel()
	s := watchedScene(t)
	l := listen(t)
	s.settings["dead_man_url"] = l.URL + "/" + deadManSecret
	s.settings["metrics"] = inYAML(map[string]any{"pushgateway": l.URL + "/gateway"})
	s.need(os.Chmod(s.path("keyset.json"), 0o644))
	s.need(os.Chmod(s.path("fingerprint.json"), 0o604))
	o := s.do("doctor")
	for _, says := range []string{"keyset.json (mode 0644); chmod 600", "fingerprint.json (mode 0604); chmod 600"} {
		if strings.Count(o.stdout, says) != 1 || strings.Count(o.stderr, says) != 1 {
			t.Errorf("%s is not told and logged once, exit %d:\n%s\n%s", says, o.code, o.stdout, o.stderr)
		}
	}
	if got, want := l.heard(), []string{"HEAD /", "HEAD /"}; !slices.Equal(got, want) {
		t.Errorf("the watchers were asked %q, want %q", got, want)
	}
}

// A locale without a guide is no failure: its customers read English.
func TestDoctorKnowsWhichGuidesAreMissing(t *testing.T) {
	t.Parallel()
	s := watchedScene(t)
	s.imported(
		row{"account_id": "french", "tenant_id": "T-1", "address": "good@gmail.com", "secret": "abcdefghijklmnop", "locale": "fr-CA"},
		row{"account_id": "spanish", "tenant_id": "T-1", "address": "good@gmail.com", "secret": "abcdefghijklmnop", "locale": "es-MX"},
	)
	if line := doctorLine(s.done("doctor"), "note", "guides"); !strings.Contains(line, "1 account asks for fr-CA, which Google's guide does not speak") {
		t.Errorf("%q", line)
	}
}

func TestDoctorIsInterrupted(t *testing.T) {
	t.Parallel()
	s := watchedScene(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cli.Interrupted{Signal: 15})
	if o := s.doUntil(ctx, "doctor"); o.code != 143 {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
}

func TestDoctorWithAWrongConfiguration(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.settings["windw"] = "4h"
	if o := s.do("doctor"); o.code != exit.Usage || !strings.Contains(o.stderr, "windw") {
		t.Errorf("exit %d: %s", o.code, o.stderr)
	}
}

// strictRelay greets everybody and refuses every EHLO, as strict Postfix does to names that it does not like.
func strictRelay(t *testing.T) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				fmt.Fprint(conn, "220 relay.example ESMTP\r\n")
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					fmt.Fprint(conn, "504 5.5.2 <audit>: Helo command rejected: need fully-qualified hostname\r\n")
				}
			}()
		}
	}()
	return listener.Addr().String()
}
