package notice_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"html"
	"io"
	"mime"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gomail "github.com/emersion/go-message/mail"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"mailaudit/audit"
	"mailaudit/report/notice"
)

// read takes a mail apart as a mail program does.
func read(t interface{ Fatalf(string, ...any) }, raw []byte) (mail.Header, string, string) {
	plain, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("not a message: %v", err)
	}
	r, err := gomail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("not MIME: %v", err)
	}
	var bodies []string
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("part: %v", err)
		}
		b, err := io.ReadAll(part.Body)
		if err != nil {
			t.Fatalf("part: %v", err)
		}
		bodies = append(bodies, string(b))
	}
	if len(bodies) != 2 {
		t.Fatalf("%d parts, want 2", len(bodies))
	}
	return plain.Header, bodies[0], bodies[1]
}

func TestHeaders(t *testing.T) {
	s := settings(t)
	s.ReplyTo = "help@clinicsource.example"
	l := newLetter("google", item("gmail", audit.Revoked))
	l.Kind, l.Thread = audit.KindReminder, "<first@clinicsource.example>"
	m := compose(t, l, s)
	h, _, _ := read(t, m.Raw)
	want := map[string]string{
		"From":                     `"ClinicSource Support" <support@clinicsource.example>`,
		"Reply-To":                 "<help@clinicsource.example>",
		"To":                       `"Maria" <maria@sunrise.example>`,
		"Subject":                  "Re: Your clinic's Gmail stopped sending from ClinicSource",
		"Date":                     "Mon, 23 Nov 2026 15:05:00 +0000",
		"Message-Id":               m.ID,
		"In-Reply-To":              "<first@clinicsource.example>",
		"References":               "<first@clinicsource.example>",
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "All",
		"Content-Language":         "en",
		"Mime-Version":             "1.0",
	}
	for name, value := range want {
		if got := h[name]; len(got) != 1 || got[0] != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	for name := range h {
		if _, ok := want[name]; !ok && name != "Content-Type" {
			t.Errorf("unexpected header %s", name)
		}
	}
	if m.From != "support@clinicsource.example" || m.To != "maria@sunrise.example" {
		t.Errorf("envelope %s to %s", m.From, m.To)
	}
}

func TestTheSameNoticeIsTheSameBytes(t *testing.T) {
	l, s := newLetter("google", item("gmail", audit.Revoked)), settings(t)
	a, b := compose(t, l, s), compose(t, l, s)
	if !bytes.Equal(a.Raw, b.Raw) {
		t.Error("two tries differ")
	}
	l.Date = l.Date.Add(time.Hour)
	if c := compose(t, l, s); c.ID != a.ID {
		t.Errorf("a later try is called %s, not %s", c.ID, a.ID)
	}
	if a.ID != notice.MessageID(4821, "prod", s.From) {
		t.Errorf("%s is not the notice's Message-ID", a.ID)
	}
	l.Number++
	other := s
	other.Installation = "staging"
	ids := []string{a.ID, compose(t, l, s).ID, compose(t, l, other).ID}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 3 {
		t.Errorf("Message-IDs are shared: %v", ids)
	}
}

var (
	tags     = regexp.MustCompile(`(?s)<style.*?</style>|<title.*?</title>|<h1.*?</h1>|<div style="display:none.*?</div>|<!--.*?-->|<[^>]*>`)
	inline   = regexp.MustCompile(`</?(strong|a)\b[^>]*>|<wbr>`)
	nonWords = regexp.MustCompile(`[^\pL\pN•@./]+`)
)

func wordsOf(s string) string {
	s = strings.ReplaceAll(s, `"`, "") // the text quotes what the HTML prints bold
	return strings.Join(strings.Fields(nonWords.ReplaceAllString(s, " ")), " ")
}

// TestBothAlternativesSayTheSame compares their words. The text has numbers before steps, and the
// addresses behind links.
func TestBothAlternativesSayTheSame(t *testing.T) {
	s := settings(t)
	number := regexp.MustCompile(`(?m)^\d+\. `)
	for _, c := range matrix() {
		m := c.mail
		text := strings.Replace(number.ReplaceAllString(m.Text, ""), s.SettingsURL, "", 1)
		page := strings.Replace(html.UnescapeString(tags.ReplaceAllString(inline.ReplaceAllString(m.HTML, ""), " ")), "ClinicSource", "", 1) // the head
		if a, b := wordsOf(text), wordsOf(page); a != b {
			t.Fatalf("%v:\ntext %s\nhtml %s", c, a, b)
		}
	}
}

func TestContactsThatCannotBeMailed(t *testing.T) {
	s := settings(t)
	for _, bad := range []string{
		"", "maria", "maria@", "@sunrise.example", "maria@sunrise", "maria @sunrise.example",
		"maria@sunrise.example, all@victim.example", "Maria <maria@sunrise.example>",
		"maria@sunrise.example\r\nBcc: all@victim.example", "maria@sunrise.example\nX: y",
		`"a b"@sunrise.example`, "maria@[127.0.0.1]", "marí@sunrise.example",
		"a@b.example>\r\nDATA", "<script>@x.example", strings.Repeat("a", 250) + "@b.example",
	} {
		l := newLetter("google", item("gmail", audit.Revoked))
		l.ContactEmail = bad
		if _, err := notice.Compose(l, s); !errors.Is(err, notice.ErrRecipient) {
			t.Errorf("%q: error %v, want ErrRecipient", bad, err)
		}
	}
	l := newLetter("google", item("gmail", audit.Revoked))
	l.ContactEmail = " maria@bücher.example "
	if m := compose(t, l, s); m.To != "maria@xn--bcher-kva.example" {
		t.Errorf("sent to %q", m.To)
	}
}

func TestNoNameCanAddAHeaderOrMarkup(t *testing.T) {
	s := settings(t)
	hostile := []string{"\r\n", "\n", "\r", "\u2028", "Bcc: x@victim.example", "<script>", "</title>", `"`, "'", ">", "&lt;",
		"=?utf-8?q?=0D=0A?=", "\u202e", "\u0000", "=1+1", "<!channel>", "{{.}}", "{{product}}", "مرحبا", "ü", ";", ",", "@", "\\", "🎈", "--=_"}
	text := rapid.Map(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(hostile), rapid.String()), 0, 6),
		func(parts []string) string { return strings.Join(parts, "") })
	reference := newLetter("google", item("gmail", audit.Revoked))
	rapid.Check(t, func(rt *rapid.T) {
		l := reference
		l.TenantName, l.ContactName = text.Draw(rt, "tenant"), text.Draw(rt, "contact")
		l.Items = slices.Clone(reference.Items)
		l.Items[0].Mailbox = text.Draw(rt, "mailbox")
		l.Thread, l.Locale = text.Draw(rt, "thread"), text.Draw(rt, "locale")
		set := s
		set.Support, set.Product = text.Draw(rt, "support"), text.Draw(rt, "product")
		m, err := notice.Compose(l, set)
		if err != nil {
			rt.Fatalf("compose: %v", err)
		}
		checkHarmless(rt, m)
	})
}

func checkHarmless(t interface{ Fatalf(string, ...any) }, m notice.Message) {
	head, _, _ := bytes.Cut(m.Raw, []byte("\r\n\r\n"))
	for _, line := range bytes.Split(m.Raw, []byte("\r\n")) {
		if len(line) > 998 {
			t.Fatalf("a line of %d bytes", len(line))
		}
		if bytes.ContainsAny(line, "\r\n\x00") {
			t.Fatalf("a bare CR, LF or NUL in %q", line)
		}
	}
	for _, b := range head {
		if b >= 0x80 {
			t.Fatalf("a header is not ASCII: %q", head)
		}
	}
	h, text, page := read(t, m.Raw)
	for name, values := range h {
		if len(values) != 1 {
			t.Fatalf("%d headers %s", len(values), name)
		}
		switch name {
		case "From", "To", "Subject", "Date", "Message-Id", "In-Reply-To", "References", "Auto-Submitted",
			"X-Auto-Response-Suppress", "Content-Language", "Content-Type", "Mime-Version":
		default:
			t.Fatalf("a header %s came in", name)
		}
	}
	list, err := mail.ParseAddressList(h.Get("To"))
	if err != nil || len(list) != 1 || list[0].Address != "maria@sunrise.example" {
		t.Fatalf("To: %q: %v", h.Get("To"), err)
	}
	for _, tag := range []string{"script", "channel", "!channel"} {
		if strings.Contains(page, "<"+tag) {
			t.Fatalf("<%s came through", tag)
		}
	}
	if n := strings.Count(page, "</title>"); n != 1 {
		t.Fatalf("%d titles", n)
	}
	for _, s := range []string{text, page, m.Subject} {
		if strings.ContainsAny(s, "\u202e\u202d\u0000\u2028") {
			t.Fatalf("control characters came through: %q", s)
		}
	}
}

// FuzzLetter composes MIME around foreign names: it reads as one mail to one address, with our headers alone.
func FuzzLetter(f *testing.F) {
	f.Add("Sunrise Speech Therapy", "Maria", "front@sunrise.example", "en", "<thread@x.example>")
	f.Add("\r\nBcc: x@victim.example\r\n\r\n", "=?utf-8?q?=0D=0A?=", "\u202e\x00@", "es-MX", "\n--=_")
	f.Add(strings.Repeat("é", 500), "<script>alert(1)</script>", "\xff@\xfe", "..", strings.Repeat("a", 2000)+"@x.example")
	s := settings(f)
	f.Fuzz(func(t *testing.T, tenant, contact, mailbox, locale, thread string) {
		l := newLetter("google", item("gmail", audit.Revoked))
		l.TenantName, l.ContactName, l.Items[0].Mailbox, l.Locale, l.Thread = tenant, contact, mailbox, locale, thread
		m, err := notice.Compose(l, s)
		if err != nil {
			t.Fatal(err)
		}
		checkHarmless(t, m)
	})
}

func TestNamesThatLookLikeLinksAreLeftOut(t *testing.T) {
	l := newLetter("google", item("gmail", audit.Revoked))
	l.ContactName, l.TenantName = "Click https://evil.example now", "WWW.evil.example"
	m := compose(t, l, settings(t))
	if strings.Contains(string(m.Raw), "evil") {
		t.Error("the link is in the mail")
	}
	if !strings.HasPrefix(m.Text, "Hello,\n") {
		t.Errorf("greeting: %.20s", m.Text)
	}
}

var batches = flag.Int("batches", 400, "how many batches of hostile names are composed at once")

// TestNoMailHoldsAnothersData composes letters of many tenants at once, with names that try to break out, and
// looks in each for the others' marks. make names composes 10,000.
func TestNoMailHoldsAnothersData(t *testing.T) {
	s := settings(t)
	var all []cell
	for _, c := range cells(s.Guides) {
		if c.verdict.Failing() {
			all = append(all, c)
		}
	}
	breakouts := []string{
		"", "\r\nBcc: x@victim.example", "\n\n", "</title><script>", "\"><img src=x>", "{{.}}", "{{product}}", "=?utf-8?q?=0D=0A?=",
		"\u202e", "\u0000", "--=_", "; x=y", "مرحبا", "🎈", "%s%n", "'", "\\", "&lt;",
	}
	mark := func(i int) string { return fmt.Sprintf("qz%05dzq", i) }
	marks := regexp.MustCompile(`qz\d{5}zq`)
	var work errgroup.Group
	work.SetLimit(8)
	for i := range *batches {
		work.Go(func() error {
			c := all[i*37%len(all)]
			b := breakouts[i%len(breakouts)]
			it := item(c.brand.Name, c.verdict)
			it.Mailbox, it.Grant, it.Actor = "desk@"+mark(i)+".example", c.grant, c.actor
			two := it
			two.Mailbox = "billing" + b + "@" + mark(i) + ".example"
			l := newLetter(c.provider.Name, it, two)
			l.Locale, l.Number = c.locale, int64(i)+1
			l.TenantName, l.ContactName, l.ContactEmail = "T "+mark(i)+b, b+"C "+mark(i), mark(i)+"@contact.example"
			m, err := notice.Compose(l, s)
			if err != nil {
				return fmt.Errorf("%v: %w", c, err)
			}
			found := marks.FindAllString(string(m.Raw)+m.Text+m.HTML+m.To+m.Subject, -1)
			if len(found) == 0 {
				return fmt.Errorf("mail %d does not hold its own data", i)
			}
			for _, f := range found {
				if f != mark(i) {
					return fmt.Errorf("mail of %s holds %s", mark(i), f)
				}
			}
			return harmless(m, mark(i)+"@contact.example")
		})
	}
	if err := work.Wait(); err != nil {
		t.Error(err)
	}
}

// harmless tells what a name has added to a mail's head.
func harmless(m notice.Message, to string) error {
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		return err
	}
	for name, values := range parsed.Header {
		if len(values) != 1 || !slices.Contains(heads, name) {
			return fmt.Errorf("%d headers %s", len(values), name)
		}
	}
	list, err := mail.ParseAddressList(parsed.Header.Get("To"))
	if err != nil || len(list) != 1 || list[0].Address != to {
		return fmt.Errorf("To: %q: %v", parsed.Header.Get("To"), err)
	}
	if strings.Contains(m.HTML, "<script") || strings.Contains(m.HTML, "<img src=x") || bytes.ContainsRune(m.Raw, 0) {
		return fmt.Errorf("markup came through:\n%s", m.HTML)
	}
	return nil
}

var heads = []string{
	"From", "To", "Subject", "Date", "Message-Id", "In-Reply-To", "References", "Auto-Submitted",
	"X-Auto-Response-Suppress", "Content-Language", "Content-Type", "Mime-Version",
}

func TestTheMailboxIsMasked(t *testing.T) {
	s := settings(t)
	s.ShowMailbox = notice.ShowMasked
	m := compose(t, newLetter("google", item("gmail", audit.Revoked)), s)
	if strings.Contains(string(m.Raw)+m.Text+m.HTML+m.Subject, "frontdesk") {
		t.Error("the mailbox's name is in the mail")
	}
	if !strings.Contains(m.Text, "fr•••••@sunrise.example") {
		t.Error("the masked mailbox is not in the mail")
	}
}

func TestLongListsAreCut(t *testing.T) {
	l := newLetter("google")
	for i := range 25 {
		one := item("gmail", audit.Revoked)
		one.Mailbox = fmt.Sprintf("%c%cdesk@sunrise.example", 'a'+i%5, 'a'+i/5)
		l.Items = append(l.Items, one)
	}
	for _, kind := range []audit.NoticeKind{audit.KindFinding, audit.KindRecovered} {
		l.Kind = kind
		m := compose(t, l, settings(t))
		if n := strings.Count(m.Text, "desk@sunrise.example"); n != 20 {
			t.Errorf("%s: %d mailboxes listed, want 20", kind, n)
		}
		if !strings.Contains(m.Text, "+5 more") {
			t.Errorf("%s: the rest is not counted", kind)
		}
	}
}

func TestAccountsOfOneMailboxShareALine(t *testing.T) {
	one, two, three := item("gmail", audit.Revoked), item("gmail", audit.Revoked), item("gmail", audit.Revoked)
	three.Mailbox, three.Seen = "fresh@sunrise.example", []time.Time{night(11, 23)}
	m := compose(t, newLetter("google", one, two, three), settings(t))
	for _, want := range []string{
		"- 2 × frontdesk@sunrise.example, on November 22 and 23\n", "- fresh@sunrise.example, on November 23\n",
	} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("%q is not in\n%s", want, m.Text)
		}
	}
}

func TestGuidesCanBeShown(t *testing.T) {
	s := settings(t)
	s.From = ""
	for format, want := range map[notice.Format]string{
		notice.FormatText: "Subject: Your clinic's AOL mail cannot send from ClinicSource\n\nHello,\n",
		notice.FormatHTML: "<!DOCTYPE html>",
		notice.FormatEML:  "Mime-Version: 1.0\r\n",
	} {
		b, err := notice.RenderGuide(notice.Sample{Provider: "yahoo", Brand: "aol", Verdict: audit.Invalid, Date: morning}, format, s)
		if err != nil || !strings.HasPrefix(string(b), want) {
			t.Errorf("%s: %v: %.80s", format, err, b)
		}
	}
	if _, err := notice.RenderGuide(notice.Sample{Provider: "yahoo", Verdict: audit.Compliant, Date: morning}, notice.FormatText, s); !errors.Is(err, notice.ErrNoMail) {
		t.Errorf("a verdict that nobody is told: %v", err)
	}
	if _, err := notice.RenderGuide(notice.Sample{Provider: "nobody", Date: morning}, notice.FormatText, s); err == nil {
		t.Error("a provider that nobody knows has a guide")
	}
}

// TestHeaderLinesAreShort holds the lines that bear encoded words to RFC 2047's 76 characters.
func TestHeaderLinesAreShort(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range matrix() {
		if c.err != nil || seen[c.mail.Subject] {
			continue
		}
		seen[c.mail.Subject] = true
		head, _, _ := bytes.Cut(c.mail.Raw, []byte("\r\n\r\n"))
		for line := range strings.SplitSeq(string(head), "\r\n") {
			if len(line) > 76 && strings.Contains(line, "=?") {
				t.Errorf("%v: %d characters: %s", c, len(line), line)
			}
		}
		h, _, _ := read(t, c.mail.Raw)
		if subject, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject")); err != nil || subject != c.mail.Subject {
			t.Errorf("%v: the subject reads %q, want %q (%v)", c, subject, c.mail.Subject, err)
		}
	}
}

func TestASampleSaysThatItIsOne(t *testing.T) {
	s := settings(t)
	ids := map[string]bool{}
	for _, locale := range []string{"en", "es"} {
		for minute := range 2 {
			l := notice.Sample{Provider: "google", Locale: locale, To: "me@sunrise.example", Date: morning.Add(time.Duration(minute) * time.Minute)}.Letter()
			m := compose(t, l, s)
			if ids[m.ID] {
				t.Errorf("two samples are %s: a mail program shows one of them", m.ID)
			}
			ids[m.ID] = true
			if word := map[string]string{"en": "This is a sample", "es": "Esta es una muestra"}[locale]; !strings.Contains(m.Text, word) || strings.Contains(m.Text, "M-0") {
				t.Errorf("a sample looks like a notice:\n%s", m.Text)
			}
		}
	}
}

// An address that is typed letter by letter breaks behind a slash, on a narrow screen too.
func TestTypedAddressesBreakBehindASlash(t *testing.T) {
	m := compose(t, newLetter("google", item("gmail", audit.Revoked)), settings(t))
	if !strings.Contains(m.HTML, "myaccount.google.com/<wbr>apppasswords") || strings.Contains(m.Text, "wbr") {
		t.Errorf("HTML %s\ntext %s", m.HTML, m.Text)
	}
}
