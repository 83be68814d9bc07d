package csvimport

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailaudit/audit"
	"mailaudit/providers"
)

const canary = "canary-pw-7f3a"

// read gives the accounts of a text with their lines.
func read(text string) (accounts []audit.NewAccount, lines []int, err error) {
	err = Read(strings.NewReader(text), "accounts.csv", func(line int, a audit.NewAccount) error {
		accounts = append(accounts, a)
		lines = append(lines, line)
		return nil
	})
	return accounts, lines, err
}

var compareSecrets = cmp.Comparer(func(a, b providers.Secret) bool { return a.Reveal() == b.Reveal() })

func TestEveryColumn(t *testing.T) {
	text := "\ufeffaccount_id,tenant_id,tenant_name,address,username,host,port,security,auth,secret,contact_name," +
		"contact_email,locale,time_zone,updated_at,last_sent_ok_at\r\n" +
		`4711,t-1,"North Clinic, Inc.",front@north.example,north\front,smtp.north.example,587,starttls,password,` +
		`" p""w,ä ",Zoë O'Neil,zoe@north.example,es_MX,America/Chicago,2026-11-20T10:00:00.5-06:00,2026-11-22 23:10:00.25+00` + "\r\n" +
		"\r\n" +
		`4712,t-1,,second@north.example,,192.0.2.7,0,,oauth2,token,,,,,,` + "\r\n" +
		"4713,t-2,<!channel>,third@xn--bcher-kva.example,,bücher.example.,465,tls,,token,=1+1,,,,,2026-11-22 23:10:00-07:30"
	got, lines, err := read(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []audit.NewAccount{
		{Secret: providers.NewSecret(` p"w,ä `), Account: audit.Account{
			ID: "4711", TenantID: "t-1", TenantName: "North Clinic, Inc.", Address: "front@north.example",
			Username: `north\front`, Host: "smtp.north.example", Port: 587, Security: providers.STARTTLS,
			Auth: audit.AuthPassword, ContactName: "Zoë O'Neil", ContactEmail: "zoe@north.example", Locale: "es-MX",
			TimeZone:     "America/Chicago",
			UpdatedAt:    time.Date(2026, 11, 20, 16, 0, 0, 5e8, time.UTC),
			LastSentOKAt: time.Date(2026, 11, 22, 23, 10, 0, 25e7, time.UTC)}},
		{Secret: providers.NewSecret("token"), Account: audit.Account{
			ID: "4712", TenantID: "t-1", Address: "second@north.example", Host: "192.0.2.7", Auth: audit.AuthOAuth2}},
		{Secret: providers.NewSecret("token"), Account: audit.Account{
			ID: "4713", TenantID: "t-2", TenantName: "<!channel>", Address: "third@xn--bcher-kva.example",
			Host: "bücher.example.", Port: 465, Security: providers.ImplicitTLS, Auth: audit.AuthPassword,
			ContactName: "=1+1", LastSentOKAt: time.Date(2026, 11, 23, 6, 40, 0, 0, time.UTC)}},
	}
	if diff := cmp.Diff(want, got, compareSecrets); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{2, 4, 5}, lines); diff != "" {
		t.Error(diff)
	}
}

func TestNeededColumnsInAnyOrder(t *testing.T) {
	got, _, err := read("secret,address,account_id,tenant_id\npw,a@b.example,1,t\n")
	if err != nil || len(got) != 1 || got[0].ID != "1" || got[0].Secret.Reveal() != "pw" || got[0].Auth != audit.AuthPassword {
		t.Errorf("%+v, %v", got, err)
	}
}

const (
	short = "account_id,tenant_id,address,secret\n"
	good  = "1,t,a@b.example," + canary + "\n"
)

// one is a text with one account, whose column has the value.
func one(column, value string) string {
	return "account_id,tenant_id,address,secret," + column + "\n1,t,a@b.example," + canary + "," + value + "\n"
}

var badTexts = []struct{ name, text, want string }{
	{"empty", "", "line 1: is empty; the first line must name the columns"},
	{"only a mark", "\ufeff", "line 1: is empty; the first line must name the columns"},
	{"only line ends", "\n\r\n\n", "line 1: is empty; the first line must name the columns"},
	{"no accounts", short, "line 1: has a header line and no accounts"},
	{"UTF-16", "\xff\xfea\x00c\x00", "line 1, column 1: is UTF-16 text; save it as UTF-8"},
	{"UTF-16, the other way", "\xfe\xff\x00a\x00c", "line 1, column 1: is UTF-16 text; save it as UTF-8"},
	{"UTF-16 without a mark", "a\x00c\x00", "line 1, column 1: is UTF-16 text; save it as UTF-8"},
	{"Latin-1", one("contact_name", "Zo\xeb"), "line 2, column 5 (contact_name): is not UTF-8 text; save the file as UTF-8"},
	{"Latin-1 header", "account_id,\xe4\n", "line 1: is not UTF-8 text; save it as UTF-8"},
	{"Latin-1 secret", short + "1,t,a@b.example,pw\xe4\n", "line 2, column 4 (secret): is not UTF-8 text; save the file as UTF-8"},

	{"no header", good + good, "line 1: is not a header line; the first line must name the columns, such as account_id,tenant_id,address,secret"},
	{"semicolons", "account_id;tenant_id;address;secret\n1;t;a@b.example;pw\n", "line 1: the columns must be separated by commas"},
	{"missing column", "account_id,tenant_id,address\n1,t,a@b.example\n", "line 1: the column secret is missing; account_id, tenant_id, address and secret are needed"},
	{"missing id", "tenant_id,address,secret\n", "line 1: the column account_id is missing; account_id, tenant_id, address and secret are needed"},
	{"unknown column", "account_id,tenant_id,address,secret,pasword\n", "line 1, column 5: is not a column of accounts; these are: account_id, tenant_id, tenant_name, address, username, host, port, security, auth, secret, contact_name, contact_email, contact_verified_at, locale, time_zone, updated_at, last_sent_ok_at"},
	{"column in capitals", "Account_ID,tenant_id,address,secret\n", "line 1, column 1: is not written exactly: account_id"},
	{"column with a space", "account_id, tenant_id,address,secret\n", "line 1, column 2: is not written exactly: tenant_id"},
	{"column twice", "account_id,tenant_id,address,secret,address\n", "line 1, column 5 (address): column 3 has the same name"},

	{"too few fields", short + good + "2,t,a@b.example\n", "line 3, column 4 (secret): the row has 3 fields where the header has 4; a field with a comma in it needs quotes"},
	{"comma in the secret", short + "1,t,a@b.example,can," + canary + "\n", "line 2, column 5: the row has 5 fields where the header has 4; a field with a comma in it needs quotes"},
	{"unclosed quote", short + good + "2,t,a@b.example,\"" + canary + "\n3,t,a@b.example,x\n", `line 3, column 4 (secret): a quotation mark opens the field and is not closed, or one inside it is not doubled (seen on line 4)`},
	{"unclosed quote at the end", short + "1,t,a@b.example,\"" + canary, "line 2, column 4 (secret): a quotation mark opens the field and is not closed, or one inside it is not doubled"},
	{"stray quote", short + "1,t,a@b.example,a\"" + canary + "\n", "line 2, column 4 (secret): has a quotation mark in it; such a field stands in quotation marks, and its own are doubled"},
	{"quote in quotes", short + "1,t,a@b.example,\"a\"" + canary + "\"\n", "line 2, column 4 (secret): a quotation mark opens the field and is not closed, or one inside it is not doubled"},
	{"quote in the header", "account_id,\"tenant\n", "line 1, column 2: a quotation mark opens the field and is not closed, or one inside it is not doubled"},

	{"no id", short + ",t,a@b.example,pw\n", "line 2, column 1 (account_id): is empty"},
	{"no tenant", short + "1,,a@b.example,pw\n", "line 2, column 2 (tenant_id): is empty"},
	{"no address", short + "1,t,,pw\n", "line 2, column 3 (address): is empty"},
	{"no secret", short + "1,t,a@b.example,\n", "line 2, column 4 (secret): is empty"},
	{"secret of spaces", short + "1,t,a@b.example,   \n", "line 2, column 4 (secret): is empty"},
	{"id twice", short + good + "2,t,a@b.example,x\n" + good, "line 4, column 1 (account_id): the same id stands on line 2"},
	{"id twice, after a field of two lines", short + "1,t,\"a\n@b\",x\n" + good, "line 2, column 3 (address): has a line end in it; 1 more after it"},
	{"id with a space", short + "1 ,t,a@b.example,x\n", "line 2, column 1 (account_id): begins or ends with a space"},
	{"long id", short + strings.Repeat("9", 256) + ",t,a@b.example,x\n", "line 2, column 1 (account_id): is longer than 255 bytes"},
	{"long secret", short + "1,t,a@b.example," + strings.Repeat("9", 16<<10+1) + "\n", "line 2, column 4 (secret): is longer than 16384 bytes"},
	{"control character in the secret", short + "1,t,a@b.example,a\x07" + canary + "\n", "line 2, column 4 (secret): has a control character in it"},

	{"address of nobody", short + "1,t,b.example," + canary + "\n", "line 2, column 3 (address): is not a mail address such as name@example.com"},
	{"address with a name", short + "1,t,A <a@b.example>," + canary + "\n", "line 2, column 3 (address): is not a mail address such as name@example.com"},
	{"contact with a header", one("contact_email", "\"a@b.example\r\nBcc: c@d.example\""), "line 2, column 5 (contact_email): has a line end in it"},
	{"name with a header", one("contact_name", "\"Zoë\nBcc: c@d.example\""), "line 2, column 5 (contact_name): has a line end in it"},
	{"name with a carriage return", one("contact_name", "Zoë\rBcc"), "line 2, column 5 (contact_name): has a line end in it"},
	{"name with a line separator", one("contact_name", "Zoë\u2028Bcc"), "line 2, column 5 (contact_name): has a line end in it"},
	{"name with an escape", one("tenant_name", "\x1b[31mred"), "line 2, column 5 (tenant_name): has a control character in it"},
	{"name with a NUL", one("tenant_name", "a\x00b"), "line 2, column 5 (tenant_name): has a control character in it"},
	{"contact", one("contact_email", "zoe"), "line 2, column 5 (contact_email): is not a mail address such as name@example.com"},
	{"port too high", one("port", "70000"), "line 2, column 5 (port): 70000 is not a port (1 to 65535)"},
	{"port below", one("port", "-25"), "line 2, column 5 (port): is not a port (1 to 65535)"},
	{"port by name", one("port", canary), "line 2, column 5 (port): is not a port (1 to 65535)"},
	{"security", one("security", canary), "line 2, column 5 (security): is neither tls nor starttls"},
	{"auth", one("auth", canary), "line 2, column 5 (auth): is neither password nor oauth2"},
	{"host with a scheme", one("host", "smtp://h"), "line 2, column 5 (host): is not a host name or an IP address"},
	{"host with a port", one("host", "smtp.b.example:587"), "line 2, column 5 (host): is not a host name or an IP address"},
	{"host with a gap", one("host", "smtp..example"), "line 2, column 5 (host): is not a host name or an IP address"},
	{"host with a dash", one("host", "-h.example"), "line 2, column 5 (host): is not a host name or an IP address"},
	{"locale", one("locale", "english please"), "line 2, column 5 (locale): is not a locale such as en or es-MX"},
	{"zone", one("time_zone", "Central"), "line 2, column 5 (time_zone): is not a time zone of the IANA database such as America/Chicago"},
	{"machine's zone", one("time_zone", "Local"), "line 2, column 5 (time_zone): is not a time zone of the IANA database such as America/Chicago"},
	{"zone of a file", one("time_zone", "../../etc/passwd"), "line 2, column 5 (time_zone): is not a time zone of the IANA database such as America/Chicago"},
	{"time without a zone", one("updated_at", "2026-11-23 10:00:00"), "line 2, column 5 (updated_at): is not a time with its zone such as 2026-11-23T02:15:00Z"},
	{"last sent", one("last_sent_ok_at", "yesterday"), "line 2, column 5 (last_sent_ok_at): is not a time with its zone such as 2026-11-23T02:15:00Z"},
	{"several", short + "1,,,\n" + "1,t,a@b.example,x,y\n", "line 2, column 2 (tenant_id): is empty; 3 more after it"},
}

func TestBadTexts(t *testing.T) {
	for _, bad := range badTexts {
		t.Run(bad.name, func(t *testing.T) {
			_, _, err := read(bad.text)
			if err == nil {
				t.Fatal("accepted")
			}
			if want := "accounts.csv: " + bad.want; err.Error() != want {
				t.Errorf("got  %s\nwant %s", err, want)
			}
			var fault *Error
			if !errors.As(err, &fault) {
				t.Errorf("is a %T", err)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("shows a secret: %v", err)
			}
		})
	}
}

// accounts is a text of n accounts, made as it is read.
func accounts(t *testing.T, n int, line func(i int) string) io.Reader {
	r, w := io.Pipe()
	t.Cleanup(func() { r.Close() })
	go func() {
		_, err := io.WriteString(w, short)
		for i := 0; i < n && err == nil; i++ {
			_, err = io.WriteString(w, line(i))
		}
		w.CloseWithError(err)
	}()
	return r
}

func goodLine(i int) string {
	return fmt.Sprintf("%d,t-%d,front.desk.%d@clinic-%d.example,secret-%d\n", i, i/7, i, i/7, i)
}

func TestOneBadLineInMany(t *testing.T) {
	const n, bad = 100_000, 73_211
	handed := 0
	err := Read(accounts(t, n, func(i int) string {
		if i == bad {
			return "x,t,nobody," + canary + "\n"
		}
		return goodLine(i)
	}), "accounts.csv", func(int, audit.NewAccount) error {
		handed++
		return nil
	})
	want := fmt.Sprintf("accounts.csv: line %d, column 3 (address): is not a mail address such as name@example.com", bad+2)
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if handed != bad {
		t.Errorf("%d accounts before it, want %d", handed, bad)
	}
}

// Whether a quote is closed is known at the end of the text alone; a giant one is not read into memory.
func TestUnclosedQuoteInAGiantText(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const n = 3_000_000
	err := Read(accounts(t, n, func(i int) string {
		if i == 10 {
			return "x,t,a@b.example,\"" + canary + "\n"
		}
		return goodLine(i)
	}), "accounts.csv", func(int, audit.NewAccount) error { return nil })
	runtime.ReadMemStats(&after)
	want := "accounts.csv: line 12: a record that begins here or further down is longer than 1048576 bytes; is a quotation mark not closed?"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 64<<20 {
		t.Errorf("%d MiB for a text that is broken in its first lines", grown>>20)
	}
}

func TestErrorsOfOthers(t *testing.T) {
	stop := errors.New("disk full")
	err := Read(strings.NewReader(short+good), "accounts.csv", func(int, audit.NewAccount) error { return stop })
	if err != stop {
		t.Errorf("the caller's: %v", err)
	}
	for _, text := range []string{"", short, short + good} {
		err = Read(io.MultiReader(strings.NewReader(text), iotest.ErrReader(stop)), "accounts.csv",
			func(int, audit.NewAccount) error { return nil })
		if !errors.Is(err, stop) || err.Error() != "read accounts.csv: disk full" {
			t.Errorf("the reader's after %q: %v", text, err)
		}
	}
}

// The ids that are kept, here and by the caller, do not keep their records, in which secrets stand in clear.
func TestIDsAreCopies(t *testing.T) {
	var m runtime.MemStats
	const n = 2000
	secret := strings.Repeat("s", 16<<10)
	seen := map[string]bool{}
	err := Read(accounts(t, n, func(i int) string { return fmt.Sprintf("%d,t,a@b.example,%s\n", i, secret) }), "x",
		func(_ int, a audit.NewAccount) error {
			seen[a.ID] = true
			if len(seen) == n {
				runtime.GC()
				runtime.ReadMemStats(&m)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if m.HeapAlloc == 0 || m.HeapAlloc > 16<<20 {
		t.Errorf("%d MiB are held for %d ids", m.HeapAlloc>>20, len(seen))
	}
}

func BenchmarkRead(b *testing.B) {
	var text strings.Builder
	text.WriteString(short)
	for i := range 100_000 {
		text.WriteString(goodLine(i))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		if err := Read(strings.NewReader(text.String()), "x", func(int, audit.NewAccount) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzRead: whatever the text, it gives accounts that the program can rely on, or one line that shows
// nothing of it.
func FuzzRead(f *testing.F) {
	for _, bad := range badTexts {
		if len(bad.text) < 1000 {
			f.Add(bad.text)
		}
	}
	f.Add(short + good)
	f.Fuzz(func(t *testing.T, text string) {
		ids := map[string]bool{}
		last := 1
		err := Read(strings.NewReader(text), "f", func(line int, a audit.NewAccount) error {
			if a.ID == "" || ids[a.ID] || a.TenantID == "" || a.Secret.Empty() || a.Auth == "" || line <= last ||
				a.Port < 0 || a.Port > 65535 || !strings.Contains(a.Address, "@") ||
				strings.ContainsAny(a.ID+a.TenantName+a.ContactName+a.Address+a.Host+a.ContactEmail+a.Secret.Reveal(), "\r\n\x00\x1b") {
				t.Errorf("line %d: %+v", line, a)
			}
			ids[a.ID], last = true, line
			return nil
		})
		var fault *Error
		if err == nil && len(ids) == 0 || err != nil && (!errors.As(err, &fault) || strings.ContainsAny(err.Error(), "\r\n")) {
			t.Errorf("%T %v", err, err)
		}
		if err == nil {
			// Another reader of CSV counts as many.
			records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
			if err != nil || len(records)-1 != len(ids) {
				t.Errorf("%d records, %d accounts: %v", len(records), len(ids), err)
			}
		}
	})
}
