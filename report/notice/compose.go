package notice

import (
	"errors"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
)

// listedAtMost bounds the mailboxes that one mail names.
const listedAtMost = 20

// Compose writes the mail that a letter asks for. It is a pure function: the same letter and settings give
// the same bytes. It fails with [ErrRecipient] or [ErrNoMail] where no mail can or may be written; any
// other error is a fault in a guide or in the settings.
func Compose(l Letter, s Settings) (Message, error) {
	to, err := recipient(l.ContactEmail)
	if err != nil {
		return Message{}, err
	}
	d, err := newDraft(l, s)
	if err != nil {
		return Message{}, err
	}
	blocks, err := d.body()
	if l.Kind == audit.KindAhead && errors.Is(err, errNoSection) {
		err = fmt.Errorf("%w: nothing ends at %s", ErrNoMail, l.Provider)
	}
	if err != nil {
		return Message{}, err
	}
	subject, err := d.subject()
	if err != nil {
		return Message{}, err
	}
	if s.GuideURL != "" {
		blocks = illustrate(blocks, unillustrated)
	}
	return d.message(to, subject, blocks)
}

// message makes a mail of blocks, with the pictures that they have.
func (d *draft) message(to, subject string, blocks []block) (Message, error) {
	l, s := d.letter, d.settings
	var with enclosures
	var logo template.URL
	if len(s.Logo) > 0 {
		logo = with.source(newLogo(s.Logo))
	}
	blocks = illustrate(blocks, with.source)
	m := Message{
		ID:      messageIDOf(l, s),
		To:      to,
		Subject: subject,
		Text:    renderText(blocks),
	}
	look, err := s.look(d.texts.language)
	if err != nil {
		return Message{}, err
	}
	look.Title, look.Heading, look.Preview, look.Logo = subject, strings.TrimPrefix(subject, replyMark), preview(blocks), logo
	if m.HTML, err = renderHTML(blocks, look); err != nil {
		return Message{}, err
	}
	m.enclosed = with
	return m.encode(l, s, d.texts.language)
}

// ahead stands in the guides where a verdict stands, for what is told before a way of signing in ends.
const ahead = audit.Verdict(audit.KindAhead)

// draft is a letter together with the texts it is written from.
type draft struct {
	letter   Letter
	settings Settings
	texts    texts
	groups   []group
	unlisted int               // accounts beyond listedAtMost
	called   map[string]string // the letter's mailboxes, by address
	values   values
}

// group is the accounts of a letter that share a guide.
type group struct {
	brand   *providers.Brand
	verdict audit.Verdict
	actor   providers.Actor
	grant   bool
	items   []Item
}

func newDraft(l Letter, s Settings) (*draft, error) {
	if len(l.Items) == 0 {
		return nil, fmt.Errorf("notice %s tells of no account", Reference(l.Number))
	}
	if l.Kind == audit.KindCorrection {
		l.Locale = s.Guides.correctionLocale(l.Locale)
	}
	t, err := s.Guides.texts(l.Provider, l.Locale)
	if err != nil {
		return nil, err
	}
	d := &draft{letter: l, settings: s, texts: t}
	listed := l.Items
	if len(listed) > listedAtMost {
		d.unlisted = len(listed) - listedAtMost
		listed = listed[:listedAtMost]
	}
	d.called = s.callNames(l.ContactEmail, listed)
	for _, item := range listed {
		if err := d.add(item); err != nil {
			return nil, err
		}
	}
	d.values = d.common()
	return d, nil
}

func (d *draft) add(item Item) error {
	switch {
	case d.letter.Kind == audit.KindAhead && (item.Grant || item.Verdict.Failing() && item.Verdict != audit.SingleFactor):
		return fmt.Errorf("%w: no password of it will end", ErrNoMail)
	case d.letter.Kind == audit.KindAhead:
		item.Verdict = ahead
	case !item.Verdict.Failing():
		return fmt.Errorf("%w: %s", ErrNoMail, item.Verdict)
	}
	item.Mailbox = d.called[item.Mailbox]
	brand := d.texts.guide.brand(item.Brand)
	if brand == nil {
		if len(d.texts.guide.Brands) == 0 {
			return fmt.Errorf("provider %s has no brand", d.letter.Provider)
		}
		brand = &d.texts.guide.Brands[0]
	}
	if item.Actor == "" {
		item.Actor = providers.ActorCustomer
	}
	for i, g := range d.groups {
		if g.brand == brand && g.verdict == item.Verdict && g.actor == item.Actor && g.grant == item.Grant {
			d.groups[i].items = append(g.items, item)
			return nil
		}
	}
	d.groups = append(d.groups, group{
		brand: brand, verdict: item.Verdict, actor: item.Actor, grant: item.Grant, items: []Item{item},
	})
	return nil
}

func (d *draft) cell(g group) cell {
	return cell{
		brand: g.brand.Name,
		actor: string(g.actor),
		oauth: g.grant || slices.Contains(d.settings.OAuthOffered, d.letter.Provider),
		grant: g.grant,
	}
}

// common are the values that hold for the whole mail.
func (d *draft) common() values {
	v := values{}
	v.set("product", d.settings.product())
	v.set("settings", strings.ReplaceAll(d.texts.front("settings", ""), " ", "\u00a0")) // one name, on one line
	v.set("support", plain(d.settings.Support))
	v.set("recheck", d.texts.wait(plain(d.settings.RecheckWithin)))
	v.set("number", Reference(d.letter.Number))
	v.set("name", inSentence(greetable(d.letter.ContactName)))
	v.set("tenant", inSentence(personal(d.letter.TenantName)))
	v.set("count", strconv.Itoa(len(d.letter.Items)))
	v.set("unlisted", strconv.Itoa(d.unlisted))
	v.set("unsent", plain(d.settings.UnsentMail))
	// Of several brands in one mail, the sentences about all of them name the provider.
	brand := d.groups[0].brand.Name
	if slices.ContainsFunc(d.groups, func(g group) bool { return g.brand.Name != brand }) {
		brand = ""
	}
	d.brandValues(v, brand)
	return v
}

// brandValues adds what the guide's front matter says: company, mail, and whatever else it names.
func (d *draft) brandValues(v values, brand string) {
	for _, doc := range d.texts.own {
		for key := range doc.front {
			key, _, _ = strings.Cut(key, ".")
			if val := d.texts.front(key, brand); val != "" {
				v.set(key, val)
			}
		}
	}
	if v["company"].Text == "" {
		v.set("company", d.texts.guide.Title)
	}
}

// groupValues are the values for the sentences about one group.
func (d *draft) groupValues(g group) values {
	v := values{}
	for key, val := range d.values {
		v[key] = val
	}
	d.brandValues(v, g.brand.Name)
	v["mailbox"] = d.mailboxesOf(g)
	v.set("when", d.when(g.items[0]))
	v.set("times", d.times(g))
	v.set("brand", d.texts.called(g.brand))
	if help := orDefault(v["help"].Text, g.brand.HelpURL); help == noHelp {
		delete(v, "help")
	} else if help != "" {
		v["help"] = value{Text: help, Href: help}
	}
	return v
}

// mailboxesOf is a group's mailboxes in one phrase.
func (d *draft) mailboxesOf(groups ...group) value {
	var names, aloud []string
	for _, g := range groups {
		for _, item := range g.items {
			if !slices.Contains(names, item.Mailbox) {
				names = append(names, item.Mailbox)
				aloud = append(aloud, orDefault(d.texts.spoken(item.Mailbox), item.Mailbox))
			}
		}
	}
	v := value{Text: enumerate(names, d.texts.front("and", ""))}
	if spoken := enumerate(aloud, d.texts.front("and", "")); spoken != v.Text {
		v.Spoken = spoken
	}
	if len(groups) == 1 && len(groups[0].items) == 1 && d.eachItsOwn() {
		v.Href = d.settings.settingsOf(d.letter.TenantID, groups[0].items[0].AccountID)
	}
	return v
}

// noHelp stands in a guide's front matter where the brand has no page of help that can be relied on.
const noHelp = "none"

func (d *draft) when(i Item) string {
	return d.texts.when(i.nights(), d.letter.Zone, d.letter.Date)
}

func (i Item) nights() []time.Time {
	if len(i.Seen) == 0 {
		return []time.Time{i.Since}
	}
	return i.Seen
}

func (s Settings) product() string {
	if p := plain(s.Product); p != "" {
		return p
	}
	return "ClinicSource"
}

const replyMark = "Re: "

func (d *draft) subject() (string, error) {
	name := string(d.groups[0].verdict)
	kind := "subject"
	switch {
	case d.letter.Kind == audit.KindRecovered, d.letter.Kind == audit.KindCorrection:
		name = string(d.letter.Kind)
	case slices.ContainsFunc(d.groups, func(g group) bool { return g.verdict != d.groups[0].verdict }):
		name = "several"
	}
	blocks, err := d.texts.find(kind, name, d.cell(d.groups[0]))
	if err != nil {
		return "", err
	}
	if blocks, err = fill(blocks, d.values); err != nil {
		return "", fmt.Errorf("subject: %w", err)
	}
	subject := textOf(blocks[0].Spans)
	if d.letter.Thread != "" && (d.letter.Kind == audit.KindReminder || d.letter.Kind == audit.KindAhead) {
		subject = replyMark + subject
	}
	return subject, nil
}

func messageIDOf(l Letter, s Settings) string {
	if l.Number == 0 {
		return sampleID(l, s)
	}
	return MessageID(l.Number, s.Installation, s.From)
}

// MessageID is a notice's Message-ID with angle brackets. It depends on the notice, the installation and
// the domain that the mail comes from alone, so a notice that is tried again bears the same.
func MessageID(number int64, installation, from string) string {
	domain := domainOf(from)
	sum := digest(strconv.FormatInt(number, 10), installation, domain)
	return "<notice-" + strconv.FormatInt(number, 10) + "." + sum + "@" + domain + ">"
}

// sampleID is the Message-ID of a letter that is no notice. Mail programs show one Message-ID once, so each
// sample that somebody sends to himself has its own.
func sampleID(l Letter, s Settings) string {
	first := l.Items[0]
	sum := digest(l.ContactEmail, l.Provider, first.Brand, string(first.Verdict), string(first.Actor), string(l.Kind), l.Locale, l.Date.String())
	return "<sample." + sum + "@" + domainOf(s.From) + ">"
}
