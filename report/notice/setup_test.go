package notice_test

import (
	"strings"
	"testing"
	"unicode"

	"mailaudit/audit"
	"mailaudit/providers/catalog"
	"mailaudit/report/notice"
)

// TestEveryBrandHasASetUpPage reads each set-up page as it is shown by itself.
func TestEveryBrandHasASetUpPage(t *testing.T) {
	for _, offered := range [][]string{nil, {"google", "microsoft"}} {
		s := settings(t)
		s.OAuthOffered = offered
		for _, p := range catalog.All() {
			for _, brand := range p.Brands {
				for locale, words := range map[string][]string{
					"en": {"requires two-step verification", "app code", "Before you start", "Which of these screens do you see?", "Send yourself a test email", "Settings > Mail",
						"Another name", "Never call a number from a search result"},
					"es": {"exige la verificación en dos pasos", "código de aplicación", "Antes de empezar", "¿Cuál de estas pantallas ve usted?", "Envíese un correo de prueba", "Settings > Mail",
						"Otro nombre", "No llame nunca a un número que salga en un buscador"},
				} {
					b, err := notice.RenderGuide(notice.Sample{Provider: p.Name, Brand: brand.Name, Locale: locale, Date: morning}, notice.FormatText, s)
					if err != nil {
						t.Errorf("%s/%s %s: %v", p.Name, brand.Name, locale, err)
						continue
					}
					text := strings.Join(strings.Fields(string(b)), " ")
					connects := offered != nil && p.Name == "microsoft"
					for _, want := range words {
						if !strings.Contains(text, want) && !(connects && strings.Contains(want, "app code")) && !(connects && strings.Contains(want, "código de")) {
							t.Errorf("%s/%s %s does not say %q", p.Name, brand.Name, locale, want)
						}
					}
					if bad := untrue.FindString(text); bad != "" {
						t.Errorf("%s/%s %s says %q", p.Name, brand.Name, locale, bad)
					}
					_, screens, _ := strings.Cut(string(b), map[string]string{"en": "Which of these screens", "es": "¿Cuál de estas pantallas"}[locale])
					screens, _, _ = strings.Cut(screens[strings.Index(screens, "\n\n")+2:], "\n\n")
					if n := strings.Count("\n"+screens, "\n- "); n < 2 || n > 3 {
						t.Errorf("%s/%s %s asks for %d screens:\n%s", p.Name, brand.Name, locale, n, screens)
					}
				}
			}
		}
	}
}

// TestSetUpPagesLeadTheirGroups: on the site a brand's set-up page is its first link, and leads to its problems.
func TestSetUpPagesLeadTheirGroups(t *testing.T) {
	files, err := notice.Site(settings(t))
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{}
	for _, f := range files {
		pages[f.Path] = string(f.Data)
	}
	for _, locale := range []string{"en", "es"} {
		groups := strings.Split(pages[locale+"/index.html"], "<h2 ")[1:]
		if len(groups) < 8 {
			t.Fatalf("%s: %d groups", locale, len(groups))
		}
		for _, g := range groups {
			first := hrefs.FindStringSubmatch(g)[1]
			page := pages[locale+"/"+first]
			if !strings.HasSuffix(first, "-set-up.html") || !strings.Contains(page, `class="sheet"`) {
				t.Errorf("%s: the first link of a group is %s", locale, first)
			}
			for _, problem := range []string{"wrong-account", "not-available"} {
				to := strings.Replace(first, "set-up", problem, 1)
				if !strings.Contains(page, `href="`+to+`"`) || !strings.Contains(pages[locale+"/"+to], `href="`+first+`"`) {
					t.Errorf("%s: %s and %s do not lead to each other", locale, first, to)
				}
			}
		}
	}
	for _, path := range []string{"en/google-gmail-revoked.html", "es/yahoo-yahoo-invalid.html"} {
		if !strings.Contains(pages[path], "-set-up.html") {
			t.Errorf("%s does not lead to the steps from the start", path)
		}
	}
}

func TestSetUpPageInEachForm(t *testing.T) {
	s := settings(t)
	for _, format := range []notice.Format{notice.FormatHTML, notice.FormatEML} {
		b, err := notice.RenderGuide(notice.Sample{Provider: "google", Brand: "workspace", Date: morning}, format, s)
		if err != nil {
			t.Fatal(err)
		}
		title := "Make an app password (app code) for Google Workspace"
		if !strings.Contains(string(b), title) || strings.Contains(string(b), "cid:") && format == notice.FormatHTML {
			t.Errorf("%s: %.400s", format, b)
		}
		want := "data:image/png;base64,"
		if format == notice.FormatEML {
			want = "Content-Type: image/png"
		}
		if n := strings.Count(string(b), want); n < 4 {
			t.Errorf("%s: %d pictures", format, n)
		}
	}
	m, err := notice.ComposeSample(notice.Sample{Provider: "google", To: "maria@sunrise.example", Date: morning}, s)
	if err != nil || m.To != "maria@sunrise.example" || strings.Contains(m.Text, "refused") {
		t.Errorf("sent to one address: %q, %v", m.To, err)
	}
}

// TestMailsAreShort: what front desks get most is read in a minute. A revoked password may be a takeover: that takes more words.
func TestMailsAreShort(t *testing.T) {
	for _, c := range matrix() {
		most := map[audit.Verdict]int{audit.Invalid: 250, audit.AppPasswordRequired: 250, audit.Revoked: 280}[c.verdict]
		if c.err != nil || most == 0 || c.locale != "en" || c.oauth || c.provider.Name == "microsoft" {
			continue
		}
		n := 0
		for _, word := range strings.Fields(c.mail.Text) {
			if !strings.Contains(word, "://") && strings.ContainsFunc(word, unicode.IsLetter) {
				n++
			}
		}
		if n > most {
			t.Errorf("%v: %d words", c, n)
		}
	}
}
