package notice_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/report/notice"
)

var actors = []providers.Actor{providers.ActorCustomer, providers.ActorAdministrator, providers.ActorUs}

// cell is one place of the matrix: who is told what, where.
type cell struct {
	provider *providers.Provider
	brand    providers.Brand
	verdict  audit.Verdict
	actor    providers.Actor
	oauth    bool
	grant    bool
	locale   string
	kind     audit.NoticeKind // "": a finding
}

func (c cell) String() string {
	return fmt.Sprintf("%s/%s %s %s oauth=%v grant=%v %s", c.provider.Name, c.brand.Name, c.verdict, c.actor, c.oauth, c.grant, c.locale)
}

func cells(g *notice.Guides) []cell {
	var out []cell
	for _, p := range catalog.All() {
		for _, locale := range g.Locales(p.Name) {
			for _, brand := range p.Brands {
				for _, verdict := range audit.Verdicts {
					for _, actor := range actors {
						for _, oauth := range []bool{false, true} {
							out = append(out, cell{p, brand, verdict, actor, oauth, false, locale, ""})
						}
						if len(p.OAuthMechanisms) > 0 {
							out = append(out, cell{p, brand, verdict, actor, true, true, locale, ""})
						}
					}
				}
			}
		}
	}
	return out
}

func (c cell) compose(s notice.Settings) (notice.Message, error) {
	i := item(c.brand.Name, c.verdict)
	i.Actor, i.Grant = c.actor, c.grant
	l := newLetter(c.provider.Name, i)
	l.Locale = c.locale
	if c.oauth {
		s.OAuthOffered = []string{c.provider.Name}
	}
	return notice.Compose(l, s)
}

// composed is a cell's mail under the settings of [settings].
type composed struct {
	cell
	mail notice.Message
	err  error
}

var matrix = sync.OnceValue(func() []composed {
	s := defaults()
	var out []composed
	for _, c := range cells(s.Guides) {
		m, err := c.compose(s)
		out = append(out, composed{c, m, err})
	}
	return out
})

// untrue are sentences that no mail may hold: what one SMTP answer cannot show, and advice that would harm.
var untrue = regexp.MustCompile(`(?i)(you|account|mailbox) (has|have|had) no (two|2)|(two|2)-(step|factor)[a-z ]* is not (on|set up)|` +
	`(usted|cuenta|buzón) no (tiene|tenía) (verificación|segundo)|desactive (los valores de seguridad|la verificación)|envíenos su contraseña|` +
	`turn off (the )?(security defaults|two-step|mfa)[^.]* (first|now)|send us your password|allow less secure|{{|}}|%!|<no value>`)

var connects = regexp.MustCompile(`(?i)connect (this|the) mailbox with|connected with|(conectar|conecte) (este|el) buzón`)

// passwordTalk is advice that holds for passwords alone.
var passwordTalk = regexp.MustCompile(`(?i)app(-specific)? password|paste|secure mail key|contraseñas? (de aplicación|específica)|pegue`)

func TestEveryToldVerdictHasAText(t *testing.T) {
	told := 0
	for _, c := range matrix() {
		m, err := c.mail, c.err
		if !c.verdict.Failing() {
			if !errors.Is(err, notice.ErrNoMail) {
				t.Errorf("%v: error %v, want ErrNoMail", c, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		told++
		text := strings.Join(strings.Fields(m.Text), " ")
		if bad := untrue.FindString(text); bad != "" {
			t.Errorf("%v: says %q", c, bad)
		}
		if !c.oauth && connects.MatchString(text) {
			t.Errorf("%v: offers a connection that the product does not have", c)
		}
		if talk := passwordTalk.FindString(text); c.grant && talk != "" {
			t.Errorf("%v: a connected mailbox is told about %q", c, talk)
		}
		if !strings.Contains(text, "Settings > Mail") {
			t.Errorf("%v: does not say where it is mended", c)
		}
		if n := strings.Count(m.Text, "\n1. "); n == 0 {
			t.Errorf("%v: no steps", c)
		}
		if strings.Contains(m.Text, "\n13. ") {
			t.Errorf("%v: more than 12 steps", c)
		}
		if len(m.Raw) > 100_000 {
			t.Errorf("%v: %d bytes", c, len(m.Raw))
		}
	}
	if told < 9*len(actors)*2*len(catalog.All()) {
		t.Errorf("only %d cells walked", told)
	}
}

var twoStepOff = map[string]string{
	"en": "It looks as if two-factor is off", "es": "Parece que la verificación en dos pasos está desactivada",
}

func TestTwoStepIsNamedAbsentOnlyAtZoho(t *testing.T) {
	for _, c := range matrix() {
		says := strings.Contains(strings.Join(strings.Fields(c.mail.Text), " "), twoStepOff[c.locale])
		if want := c.provider.Name == "zoho" && c.verdict == audit.SingleFactor && !c.grant; says != want {
			t.Errorf("%v: says so: %v, want %v", c, says, want)
		}
	}
}

func TestWorkingAgainIsToldForEveryVerdict(t *testing.T) {
	s := settings(t)
	for _, c := range cells(s.Guides) {
		if !c.verdict.Failing() || c.actor != providers.ActorCustomer || c.oauth {
			continue
		}
		l := newLetter(c.provider.Name, item(c.brand.Name, c.verdict))
		l.Kind, l.Locale = audit.KindRecovered, c.locale
		m := compose(t, l, s)
		word := map[string][2]string{"en": {"works again", "Good news"}, "es": {"vuelve a funcionar", "Buenas noticias"}}[c.locale]
		if !strings.Contains(m.Subject, word[0]) || !strings.Contains(m.Text, word[1]) {
			t.Errorf("%v: %s", c, m.Subject)
		}
		if strings.Contains(m.Text, "1. ") || untrue.MatchString(m.Text) {
			t.Errorf("%v: still has steps or %q", c, untrue.FindString(m.Text))
		}
	}
}

// said are the sentences that hold only where the configuration makes them true.
var said = map[string]struct{ again, button string }{
	"en": {"within 15 minutes and write", "Open ClinicSource mail settings"},
	"es": {"en un plazo de 15 minutos y le escribiremos", "Abrir la configuración de correo"},
}

func TestSentencesNeedTheirConfiguration(t *testing.T) {
	full := settings(t)
	bare := notice.Settings{From: full.From, Guides: full.Guides}
	for _, c := range cells(full.Guides) {
		if !c.verdict.Failing() || c.actor == providers.ActorUs || c.oauth {
			continue
		}
		m, err := c.compose(bare)
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		words := said[c.locale]
		for _, needs := range []string{"555-0142", words.again, words.button, "https://app.", "clinicsource.example/mail"} {
			if strings.Contains(m.Text+m.HTML, needs) {
				t.Errorf("%v: without configuration the mail says %q", c, needs)
			}
		}
		m, err = c.compose(full)
		if err != nil {
			t.Fatal(err)
		}
		for _, needs := range []string{"555-0142", words.again, words.button, "https://app."} {
			if !strings.Contains(strings.Join(strings.Fields(m.Text), " "), needs) {
				t.Errorf("%v: with configuration the mail does not say %q", c, needs)
			}
		}
	}
}
