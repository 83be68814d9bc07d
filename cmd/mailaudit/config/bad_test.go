package config

import (
	"errors"
	"strings"
	"testing"
)

// Each is a file that is refused, and how.
var badFiles = []struct {
	name, text string
	want       string
}{
	{"unknown key", "databse: x\n", "1: databse: is not a key of the configuration; did you mean database?"},
	{"swapped letters", "\n\nnotices:\n  mdoe: live\n", "4: notices.mdoe: is not a key of the configuration; did you mean mode?"},
	{"wrong case", "relay: {URL: x}\n", "1: relay.URL: is not a key of the configuration; did you mean url?"},
	{"key of another place", "confirm_nights: 3\n", "1: confirm_nights: is not a key of the configuration; did you mean notices.confirm_nights?"},
	{"key of providers", "max_rate_: 1\nmax_refusals: 3\n", "1: max_rate_: is not a key of the configuration"},
	{"provider's key on top", "max_refusals: 3\n", "1: max_refusals: is not a key of the configuration; did you mean providers.NAME.max_refusals?"},
	{"nothing like it", "relay:\n  colour_scheme: x\n", "2: relay.colour_scheme: is not a key of the configuration"},
	{"unknown provider", "providers:\n  gogle: {}\n", "2: providers.gogle: is not a key of the configuration; did you mean google?"},
	{"provider nobody knows", "providers:\n  gmx: {}\n", "2: providers.gmx: is not a key of the configuration; known are apple, fastmail, google, microsoft, other, yahoo, zoho"},
	{"number as key", "1: x\n", "1: 1: is not a key of the configuration"},
	{"twice", "window: 4h\nreport:\n  dir: a\n  url: ''\n  dir: b\n", "5: report.dir: is given twice, first on line 3"},
	{"twice on top", "window: 4h\ntime_zone: UTC\nwindow: 5h\n", "3: window: is given twice, first on line 1"},

	{"list for group", "relay: [a]\n", "1: relay: is a list where keys with values are needed"},
	{"text for group", "notices: live\n", "1: notices: is text where keys with values are needed"},
	{"group for value", "window:\n  hours: 4\n", "2: window: is a group of keys where a single value is needed"},
	{"text for list", "notices:\n  remind_after: 72h\n", "2: notices.remind_after: is text where a list is needed; write [..., ...]"},
	{"empty entry", "notices:\n  remind_after: [72h, ]\n  oauth_offered:\n    -\n", "4: notices.oauth_offered: has an empty entry"},
	{"number for text", "notices: {product: 42}\n", "1: notices.product: 42 is a number where text is needed; put it in quotes"},
	{"truth for text", "notices: {product: true}\n", "1: notices.product: true is true or false where text is needed; put it in quotes"},
	{"number in a list of ids", "notices: {only: {tenants: [\"1\", 2]}}\n", "1: notices.only.tenants[1]: 2 is a number where text is needed; put it in quotes"},
	{"text for number", "attempts_per_day: \"2\"\n", `1: attempts_per_day: "2" is text where a number is needed`},
	{"fraction", "attempts_per_day: 1.5\n", "1: attempts_per_day: 1.5 is not a whole number"},
	{"giant", "attempts_per_day: 99999999999\n", "1: attempts_per_day: 99999999999 is not a whole number"},
	{"text for truth", "network: {allow_private: yes}\n", `1: network.allow_private: "yes" is text where true or false is needed`},
	{"the document is a list", "- a\n", "1: is a list where keys with values are needed"},
	{"the document is a word", "hello\n", "1: is text where keys with values are needed"},
	{"two documents", "window: 4h\n---\nwindow: 5h\n", "3: a second document begins here; the configuration is one"},
	{"alias", "time_zone: &z UTC\ninstallation: *z\n", "1: time_zone: is a YAML anchor or alias (a value that begins with & or * needs quotes) where a single value is needed"},
	{"tag", "relay:\n  password: !pw\n", "2: relay.password: is a YAML tag (a value that begins with ! needs quotes) where a single value is needed"},
	{"merge key", "relay:\n  <<: {url: x}\n", "2: relay: merge keys (<<) are not understood here; write the keys out"},
	{"comment that was meant as a value", "slack:\n  channel: #mail-audit\n", "2: slack.channel: begins with #, which YAML reads as a comment; put the value in quotes"},
	{"not UTF-8", "installation: caf\xe9\n", " is not UTF-8 text"},
	{"NUL", "installation: a\x00b\n", " is not UTF-8 text"},
	{"no YAML", "relay:\n  url: a: b\n", "2: is not YAML: mapping value is not allowed in this context (a value with special signs needs quotes)"},
	{"no YAML with a secret", "relay:\n  password: |canary-pw\n", "2: is not YAML: invalid header option (a value with special signs needs quotes)"},
	{"tab", "relay:\n\turl: x\n", "2: is not YAML: found character ' ' that cannot start any token (a value with special signs needs quotes)"},

	{"mode", "notices:\n  mode: lve\n", `2: notices.mode: "lve" is not one of shadow, live, off`},
	{"duration", "window: soon\n", `1: window: "soon" is not a duration such as 30s, 15m, 72h or 28d`},
	{"duration without unit", "network: {timeout: 30}\n", "1: network.timeout: 30 has no unit; write it like 30s, 15m, 72h or 28d"},
	{"negative", "retry_after: -5m\n", `1: retry_after: "-5m" is negative`},
	{"no time", "window: 0s\n", `1: window: "0s" is no time at all`},
	{"longer than a day", "window: 2d\n", `1: window: "2d" is longer than a day; the next night would begin within it`},
	{"kept too short", "retention: 2w\n", `1: retention: "2w" is less than 30d; guards, reminders and the caps on mails look back that far`},
	{"too long", "retention: 400y\n", `1: retention: "400y" is longer than can be counted`},
	{"reminders in disorder", "notices:\n  remind_after:\n    - 72h\n    - 24h\n", `4: notices.remind_after[1]: "24h" is not later than the one before it`},
	{"percent without sign", "guard: {max_unreachable: 20}\n", "1: guard.max_unreachable: 20 has no unit; write it with a % sign"},
	{"percent", "guard: {max_unreachable: some%}\n", `1: guard.max_unreachable: "some%" is not a percentage such as 1%`},
	{"more than all", "guard: {max_source_loss: 101%}\n", `1: guard.max_source_loss: "101%" is not between 0% and 100%`},
	{"not a number of percent", "guard: {max_source_loss: NaN%}\n", `1: guard.max_source_loss: "NaN%" is not between 0% and 100%`},
	{"rate", "relay: {max_rate: 10}\n", "1: relay.max_rate: 10 is not a rate such as 2/s, 30/m or 100/h"},
	{"rate of nothing", "relay: {max_rate: 0/s}\n", `1: relay.max_rate: "0/s" is a rate of nothing; write at least 1/h`},
	{"less than one", "providers: {zoho: {max_concurrency: 0}}\n", "1: providers.zoho.max_concurrency: 0 is less than 1"},
	{"zone", "time_zone: Central\n", `1: time_zone: "Central" is not a time zone of the IANA database such as America/Chicago or UTC`},
	{"this machine's zone", "time_zone: Local\n", `1: time_zone: "Local" is not a time zone of the IANA database such as America/Chicago or UTC`},
	{"schedule of six fields", `schedule: "0 15 2 * * *"` + "\n", `1: schedule: "0 15 2 * * *" is not a schedule of five fields (minute hour day month weekday) such as 15 2 * * *`},
	{"schedule by name", `schedule: "@daily"` + "\n", `1: schedule: "@daily" is not a schedule of five fields (minute hour day month weekday) such as 15 2 * * *`},
	{"schedule of nonsense", `schedule: "99 2 * * *"` + "\n", `1: schedule: "99 2 * * *" is not a schedule that cron understands (minute hour day month weekday, such as 15 2 * * *)`},
	{"schedule with a zone", `schedule: "TZ=UTC 15 2 * *"` + "\n", `1: schedule: "TZ=UTC 15 2 * *" is not a schedule of five fields (minute hour day month weekday) such as 15 2 * * *`},
	{"twice a day", `schedule: "15 2,14 * * *"` + "\n", `1: schedule: "15 2,14 * * *" names more than one time a day; a night has one run`},
	{"each minute", `schedule: "* 2 * * *"` + "\n", `1: schedule: "* 2 * * *" names more than one time a day; a night has one run`},
	{"never", `schedule: "0 2 30 2 *"` + "\n", `1: schedule: "0 2 30 2 *" names a day that never comes`},
	{"window of sending", "notices: {send_between: mornings}\n", `1: notices.send_between: "mornings" is not days and hours such as Mon-Fri 09:00-16:00`},
	{"days of sending", "notices: {send_between: Mo-Fr 09:00-16:00}\n", `1: notices.send_between: "Mo-Fr 09:00-16:00" is not days and hours such as Mon-Fri 09:00-16:00`},
	{"over midnight", "notices: {send_between: 22:00-06:00}\n", `1: notices.send_between: "22:00-06:00" ends before it begins; a window lies within one day`},
	{"control character", "notices: {product: \"a\\r\\nBcc: x\"}\n", `1: notices.product: "a\r\nBcc: x" has a line end or another control character in it`},

	{"database", "database: mysql://x\n", "1: database: the value is neither sqlite:PATH nor postgres://user@host:5432/name"},
	{"database nowhere", "database: ''\n", "1: database: the value is empty; write sqlite:PATH or a PostgreSQL URL"},
	{"no file", "database: 'sqlite:'\n", "1: database: the value does not name a file; write sqlite:PATH"},
	{"database URL", "database: 'postgres://u:canary-pw#1@h/x%zz'\n", "1: database: the value is not a PostgreSQL URL such as postgres://user@host:5432/name (in a password, write signs like # and / percent-encoded)"},
	{"accounts in SQLite", "accounts: {database: 'sqlite:x'}\n", "1: accounts.database: the value is not a PostgreSQL URL"},
	{"pooler", "database_pooler: session\n", `1: database_pooler: "session" is not one of "", transaction`},
	{"pooler of SQLite", "database_pooler: transaction\n", "1: database_pooler: is for PostgreSQL alone, and database is a SQLite file"},
	{"keyset", "keyset: mailaudit-keyset.json\n", `1: keyset: "mailaudit-keyset.json" is not file:PATH, env:NAME, exec:COMMAND, unix:SOCKET or none`},
	{"keyset of nothing", "keyset: 'file:'\n", `1: keyset: "file:" names nothing after the word file`},
	{"a command that is cut off", "keyset: exec:opener 'x\nfingerprint_key: env:F\n", `1: keyset: "exec:opener 'x" has a quote that does not end`},
	{"no fingerprint key beside an opener", "keyset: unix:/run/opener\n", "1: keyset: is not a file, so fingerprint_key has no default; set it to file:PATH or env:NAME"},
	{"open secrets from our own table", "keyset: none\nfingerprint_key: env:F\n", "1: keyset: none is for a relation that hands out open secrets: accounts.relation is needed beside it"},
	{"no fingerprint key", "keyset: env:KEYSET\n", "1: keyset: is not a file, so fingerprint_key has no default; set it to file:PATH or env:NAME"},
	{"fingerprint key", "fingerprint_key: exec:x\n", `1: fingerprint_key: "exec:x" is not file:... or env:...`},

	{"connect to nowhere", "network:\n  connect_to:\n    smtp.gmail.com:465: localhost\n", `3: network.connect_to.smtp.gmail.com:465: "localhost" is not host:port`},
	{"connect instead of nothing", "network:\n  connect_to:\n    \"smtp.gmail.com\": \"127.0.0.1:1\"\n", "3: network.connect_to.smtp.gmail.com: is not host:port on the left"},
	{"connect to a list", "network: {connect_to: [\"a:1\"]}\n", "1: network.connect_to: is a list where keys with values are needed"},
	{"no authority", "network: {tls_ca: /nowhere/ca.pem}\n", `1: network.tls_ca: "/nowhere/ca.pem" cannot be read: no such file or directory`},
	{"authority of nothing", "network: {tls_ca: testdata/logo.png}\n", `1: network.tls_ca: "testdata/logo.png" has no certificate in PEM form in it`},
	{"proxy", "network: {proxy: \"http://h:1\"}\n", `1: network.proxy: "http://h:1" is not socks5://host:port`},
	{"proxy with a password", "network: {proxy: \"socks5://u:canary-pw@h:1\"}\n", "1: network.proxy: the value is not socks5://host:port"},
	{"ehlo", "network: {ehlo: \"my host\"}\n", `1: network.ehlo: "my host" is not a host name such as mail.example.com`},

	{"empty canary", "providers: {google: {canaries: {good: ['']}}}\n", `1: providers.google.canaries.good[0]: "" is empty`},
	{"canary in both", "providers: {google: {canaries: {good: [a], bad: [b, a]}}}\n", `1: providers.google.canaries.bad[1]: "a" stands in both lists`},
	{"token over http", "providers: {google: {oauth: {token_url: \"http://127.0.0.1/t\"}}}\n", `1: providers.google.oauth.token_url: "http://127.0.0.1/t" is not https; plain http is for loopback alone, with network.allow_private`},
	{"token over http abroad", "network: {allow_private: true}\nproviders: {google: {oauth: {token_url: \"http://h/t\"}}}\n", `2: providers.google.oauth.token_url: "http://h/t" is not https; plain http is for loopback alone`},
	{"AOL's client elsewhere", "providers:\n  google:\n    oauth:\n      aol: {client_id: x}\n", "4: providers.google.oauth.aol: is for providers.yahoo alone"},
	{"AOL's secret without client", "providers: {yahoo: {oauth: {aol: {client_secret: canary-pw}}}}\n", "1: providers.yahoo.oauth.aol.client_secret: needs client_id beside it"},
	{"secret without client", "providers: {google: {oauth: {client_secret: canary-pw}}}\n", "1: providers.google.oauth.client_secret: needs client_id beside it"},
	{"day", "providers: {google: {oauth: {secret_expires: soon}}}\n", `1: providers.google.oauth.secret_expires: "soon" is not a day such as 2027-03-31`},

	{"relay", "relay: {url: \"http://h\"}\n", `1: relay.url: "http://h" is not smtp://host:587, smtps://host:465 or smtp+insecure://host:25`},
	{"relay's password with #", "relay: {url: \"smtp://u:canary-pw#1@h\"}\n", "1: relay.url: the value is not a URL (a password with signs like # and / goes under relay.password)"},
	{"relay's path", "relay: {url: \"smtp://h/x\"}\n", `1: relay.url: "smtp://h/x" has something after host and port (a password with signs like # and / goes under relay.password)`},
	{"relay's port", "relay: {url: \"smtp://h:99999\"}\n", `1: relay.url: "smtp://h:99999" has a port that is not between 1 and 65535`},
	{"relay without host", "relay: {url: \"smtp://:25\"}\n", `1: relay.url: "smtp://:25" names no host`},
	{"two user names", "relay:\n  url: smtp://u:canary-pw@h\n  username: v\n", "2: relay.url: has a user name in it, and relay.username or relay.password is set too; keep one of them"},
	{"no password", "relay:\n  url: smtp://h\n  username: v\n", "3: relay.username: the relay has a user name and no password"},
	{"no password in URL", "relay:\n  url: smtp://v@h\n", "2: relay.url: the relay has a user name and no password"},
	{"no user name", "relay:\n  url: smtp://h\n  password: canary-pw\n", "3: relay.password: the relay has a password and no user name"},
	{"user of no relay", "relay: {username: a, password: canary-pw}\n", "1: relay.username: needs relay.url"},
	{"sender", "relay: {from: Support}\n", `1: relay.from: "Support" is not a mail address such as "Example Support <support@example.com>"`},
	{"sender of two lines", "relay: {from: \"a@b.example\\r\\nBcc: c@d.example\"}\n", `1: relay.from: "a@b.example\r\nBcc: c@d.example" is not a mail address such as "Example Support <support@example.com>"`},

	{"token and webhook", "slack:\n  webhook: https://h/canary-pw\n  token: canary-pw\n  channel: x\n", "2: slack.webhook: slack.token is set too; keep one of them"},
	{"token without channel", "slack:\n  token: canary-pw\n", "2: slack.token: needs slack.channel"},
	{"webhook with channel", "slack:\n  webhook: https://h/canary-pw\n  channel: x\n", "3: slack.channel: is for slack.token; a webhook has its own channel"},
	{"webhook", "slack:\n  webhook: canary-pw\n", "2: slack.webhook: the value is not a URL such as https://host/path"},
	{"webhook over http", "slack:\n  webhook: http://h/canary-pw\n", "2: slack.webhook: the value is not https; plain http is for loopback alone"},
	{"Slack over http", "slack: {api_url: \"http://h/\"}\n", `1: slack.api_url: "http://h/" is not https; plain http is for loopback alone`},
	{"app token without token", "slack: {app_token: xapp-canary-pw}\n", "1: slack.app_token: needs slack.token and slack.channel: a webhook's messages have no buttons"},
	{"app token that is a bot's", "slack: {token: canary-pw, channel: x, app_token: xoxb-canary-pw}\n", "1: slack.app_token: the value is not an app-level token: xapp-…, with the scope connections:write"},
	{"approver by name", "slack: {approvers: [ann]}\n", `1: slack.approvers[0]: "ann" is not a Slack user id such as U024BE7LH`},
	{"one approver twice", "slack: {approvers: [U024BE7LH, U024BE7LH], two_approvers_above: 5}\n", "1: slack.two_approvers_above: needs two different people in slack.approvers"},
	{"show", "slack: {show: all}\n", `1: slack.show: "all" is not one of ids, names`},

	{"live without relay", "notices:\n  mode: live\nrelay:\n  from: a@b.example\n", "2: notices.mode: live needs relay.url"},
	{"live without sender", "notices:\n  mode: live\nrelay:\n  url: smtp://h\n", "2: notices.mode: live needs relay.from"},
	{"only what is told", "notices:\n  only: {verdicts: [compliant]}\n", `2: notices.only.verdicts[0]: "compliant" is not one of single_factor, app_password_required, revoked, invalid, sign_in_blocked, auth_disabled, method_retired, account_blocked, misconfigured`},
	{"only whom we know", "notices:\n  only: {providers: [gmail]}\n", `2: notices.only.providers[0]: "gmail" is not one of google, microsoft, yahoo, apple, zoho, fastmail, other`},
	{"no product", "notices: {product: ''}\n", `1: notices.product: "" is empty; customers must read who writes to them`},
	{"settings", "notices: {settings_url: app.example.com}\n", `1: notices.settings_url: "app.example.com" is not a URL such as https://host/path`},
	{"settings with a user", "notices: {settings_url: \"https://u:canary-pw@h\"}\n", "1: notices.settings_url: the value has a user name in it; this address is shown to people"},
	{"colour", "notices: {colour: blue}\n", `1: notices.colour: "blue" is not a colour such as #1a73e8`},
	{"logo", "notices: {logo: testdata/authority.pem}\n", `1: notices.logo: "testdata/authority.pem" is not a PNG, JPEG or GIF picture`},
	{"no logo", "notices: {logo: /nowhere/logo.png}\n", `1: notices.logo: "/nowhere/logo.png" cannot be read: no such file or directory`},
	{"account page", "report: {account_url: \"https://h/{id}\"}\n", `1: report.account_url: "https://h/{id}" has {id} in it; only {account_id} and {tenant_id} are replaced`},
	{"addresses", "report: {addresses: hidden}\n", `1: report.addresses: "hidden" is not one of masked, full`},
	{"listen", "metrics: {listen: \"9464\"}\n", `1: metrics.listen: "9464" is not host:port such as 127.0.0.1:9464`},
	{"push", "metrics: {pushgateway: \"push.example.com\"}\n", "1: metrics.pushgateway: the value is not a URL such as https://host/path"},
	{"dead man", "dead_man_url: ftp://canary-pw\n", "1: dead_man_url: the value is not a URL such as https://host/path"},
	{"event over http", "events: {url: \"http://app.example.com\", secret: whsec_ZXZlbnQtc2VjcmV0LW9mLTI0LWJ5dGVz}\n", `1: events.url: "http://app.example.com" is not https; plain http is for loopback alone, with network.allow_private`},
	{"no event secret", "events: {url: \"https://app.example.com\"}\n", "1: events.url: needs events.secret"},
	{"short event secret", "events: {url: \"https://app.example.com\", secret: whsec_c2hvcnQ=}\n", "1: events.secret: the value is not whsec_ and the base64 of 24 bytes or more"},
	{"settings of what", "notices: {settings_url: \"https://app.example.com/{account}\"}\n", "1: notices.settings_url: \"https://app.example.com/{account}\" has {account} in it; only {account_id} and {tenant_id} are replaced"},
	{"no token", "api: {listen: \"127.0.0.1:9465\"}\n", "1: api.listen: needs api.token"},
	{"short token", "api: {listen: \"0.0.0.0:9465\", token: short}\n", "1: api.token: a listen address that is not loopback needs a token of 32 bytes or more: openssl rand -base64 33 makes one"},
	{"the first of two", "metrics: {listen: x}\nattempts_per_day: 0\n", `1: metrics.listen: "x" is not host:port such as 127.0.0.1:9464`},

	{"unset variable", "relay:\n  password: a${NOT_SET}b\n", "2: relay.password: the environment variable NOT_SET is not set"},
	{"unreadable file", "relay:\n  password: ${file:/nowhere/pw}\n", "2: relay.password: ${file:/nowhere/pw} cannot be read: no such file or directory"},
	{"a folder", "relay:\n  password: ${file:testdata}\n", "2: relay.password: ${file:testdata} cannot be read: is a directory"},
	{"not closed", "relay:\n  password: a${canary-pw\n", "2: relay.password: ${ has no closing }; a plain ${ is written $${"},
	{"not a name", "relay:\n  password: ${canary-pw}\n", "2: relay.password: ${ must be followed by a variable's name or file:PATH; a plain ${ is written $${"},
	{"variable in a number", "attempts_per_day: ${CANARY}\n", `1: attempts_per_day: the value of "${CANARY}" is not a whole number`},
	{"variable in a mode", "notices:\n  mode: ${CANARY}\n", `2: notices.mode: the value of "${CANARY}" is not one of shadow, live, off`},
	{"variable in a zone", "time_zone: ${CANARY}\n", `1: time_zone: the value of "${CANARY}" is not a time zone of the IANA database such as America/Chicago or UTC`},
}

func TestBadFilesAreRefused(t *testing.T) {
	env := map[string]string{"CANARY": "canary-pw"}
	for _, bad := range badFiles {
		t.Run(bad.name, func(t *testing.T) {
			_, err := load(t, bad.text, env)
			if err == nil {
				t.Fatal("accepted")
			}
			want := "mailaudit.yaml:" + bad.want
			if got := err.Error(); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			var fault *Error
			if !errors.As(err, &fault) {
				t.Errorf("is a %T", err)
			}
			if strings.Contains(err.Error(), "canary-pw") && !strings.Contains(bad.name, "variable's") {
				t.Errorf("shows a secret: %s", err)
			}
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

// FuzzConfig reads foreign text: whatever it is, it gives a configuration or a fault of one line, and no
// file or variable beside those that it names is looked at.
func FuzzConfig(f *testing.F) {
	for _, bad := range badFiles {
		f.Add(bad.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		around := surroundings{
			lookupEnv: func(name string) (string, bool) { return "canary-pw", name == "CANARY" },
			readFile:  func(string) ([]byte, error) { return []byte("canary-pw\n"), nil },
		}
		c, err := parseText("mailaudit.yaml", []byte(text), around)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v and %v", c, err)
		}
		if err == nil {
			return
		}
		var fault *Error
		if !errors.As(err, &fault) || strings.ContainsAny(err.Error(), "\r\n") {
			t.Fatalf("%T %q", err, err)
		}
		if strings.Contains(err.Error(), "canary-pw") && !strings.Contains(text, "canary-pw") {
			t.Fatalf("shows a secret: %s", err)
		}
	})
}
