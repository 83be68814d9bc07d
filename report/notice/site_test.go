package notice_test

import (
	"bytes"
	"image/png"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"mailaudit/audit"
	"mailaudit/providers/catalog"
	"mailaudit/report/notice"
)

var (
	images = regexp.MustCompile(`<img [^>]*>`)
	hrefs  = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
)

// TestTheMailsLeadToTheirPages follows the link of each mail of the matrix, and all links between the pages.
func TestTheMailsLeadToTheirPages(t *testing.T) {
	s := settings(t)
	both := map[string]bool{}
	for _, offered := range [][]string{nil, {"google", "microsoft", "yahoo"}} {
		s.OAuthOffered = offered
		files, err := notice.Site(s)
		if err != nil {
			t.Fatal(err)
		}
		pages := map[string]string{}
		for _, f := range files {
			pages[f.Path] = string(f.Data)
		}
		used := map[string]bool{}
		for name, page := range pages {
			if !strings.HasSuffix(name, ".html") {
				continue
			}
			for _, m := range hrefs.FindAllStringSubmatch(page, -1) {
				if id, here := strings.CutPrefix(m[1], "#"); here && !strings.Contains(page, `id="`+id+`"`) {
					t.Errorf("%s leads to %s of its own, which is not there", name, m[1])
				} else if here || strings.HasPrefix(m[1], "https://") {
					continue
				}
				to := path.Join(path.Dir(name), m[1])
				used[to] = true
				if pages[to] == "" {
					t.Errorf("%s leads to %s, which is not there", name, m[1])
				}
			}
			if strings.Contains(page, "•") || strings.Contains(page, "{{") || untrue.MatchString(page) {
				t.Errorf("%s holds what a page must not hold", name)
			}
			if !strings.Contains(page, `<html lang="`+(name + "/en")[:2]+`"`) && name != "index.html" {
				t.Errorf("%s is not in its language", name)
			}
		}
		for name := range pages {
			if strings.HasSuffix(name, ".png") && !used[name] {
				t.Errorf("%s is on no page", name)
			}
		}
		for _, c := range matrix() {
			link := linkOf(c.mail.Text, s.GuideURL)
			if link == "" || c.oauth != (offered != nil) {
				continue
			}
			both[c.locale] = true
			page := pages[link]
			if page == "" {
				t.Errorf("%v leads to %s, which is not there", c, link)
			}
			if len(images.FindAllString(page, -1)) == 0 {
				t.Errorf("%v promises pictures, and %s has none", c, link)
			}
			// Each step of the mail is on the page.
			for _, step := range regexp.MustCompile(`(?s)<li [^>]*>(.*?)</li>`).FindAllStringSubmatch(c.mail.HTML, -1) {
				words := wordsOf(tags.ReplaceAllString(step[1], " "))
				if !strings.Contains(wordsOf(tags.ReplaceAllString(page, " ")), words) {
					t.Errorf("%v: %s does not say %q", c, link, words)
					break
				}
			}
		}
	}
	if !both["en"] || !both["es"] {
		t.Error("no mail leads to a page")
	}
}

func linkOf(text, base string) string {
	for _, word := range strings.Fields(text) {
		if rest, ok := strings.CutPrefix(word, base+"/"); ok {
			return rest
		}
	}
	return ""
}

func TestPicturesGoWithTheMailWhereThereAreNoPages(t *testing.T) {
	s := settings(t)
	linked := s
	s.GuideURL = ""
	most := 0
	for _, c := range cells(s.Guides) {
		if !c.verdict.Failing() || c.actor != "customer" {
			continue
		}
		m, err := c.compose(s)
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		most = max(most, len(m.Raw))
		if len(m.Raw) > 250_000 {
			t.Errorf("%v: %d bytes", c, len(m.Raw))
		}
		shown := images.FindAllString(m.HTML, -1)
		for _, tag := range shown {
			id := regexp.MustCompile(`src="cid:([^"]+)"`).FindStringSubmatch(tag)
			if id == nil || !regexp.MustCompile(` alt="[^"]+"`).MatchString(tag) {
				t.Fatalf("%v: %s", c, tag)
			}
			if n := bytes.Count(m.Raw, []byte("Content-Id: <"+id[1]+">")); n != 1 {
				t.Errorf("%v: picture %s goes with the mail %d times", c, id[1], n)
			}
		}
		if plain, err := c.compose(linked); err != nil || strings.Contains(plain.HTML, "<img") {
			t.Errorf("%v: there are pages, and the mail carries pictures (%v)", c, err)
		}
	}
	t.Logf("the largest mail has %d bytes", most)
	l := newLetter("google", item("gmail", audit.Revoked))
	if n := len(images.FindAllString(compose(t, l, s).HTML, -1)); n < 4 {
		t.Errorf("the Gmail guide shows %d pictures", n)
	}
	two := compose(t, newLetter("google", item("gmail", audit.Revoked), item("gmail", audit.Invalid)), s)
	if shown, enclosed := len(images.FindAllString(two.HTML, -1)), bytes.Count(two.Raw, []byte("Content-Id: ")); shown != 2*enclosed {
		t.Errorf("two guides show %d pictures, and %d go with the mail", shown, enclosed)
	}
	b, err := notice.RenderGuide(notice.Sample{Provider: "google", Date: morning}, notice.FormatHTML, s)
	if err != nil || bytes.Contains(b, []byte("cid:")) || !bytes.Contains(b, []byte("data:image/png;base64,")) {
		t.Errorf("a guide that is looked at by itself does not hold its pictures: %v", err)
	}
}

var screenName = regexp.MustCompile(`(?m)^== ([a-z-]+):`)

// TestPicturesAreDrawn compares the pictures with the screens they are drawn from, and with the guides.
func TestPicturesAreDrawn(t *testing.T) {
	for _, p := range catalog.All() {
		source, err := fs.ReadFile(p.Files, "guide/pictures/screens.txt")
		if err != nil {
			t.Error(err)
			continue
		}
		left := map[string]bool{}
		names, err := fs.Glob(p.Files, "guide/pictures/*.png")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			left[path.Base(name)] = true
		}
		for _, m := range screenName.FindAllSubmatch(source, -1) {
			for _, locale := range []string{"en", "es"} {
				name := string(m[1]) + "." + locale + ".png"
				data, err := fs.ReadFile(p.Files, "guide/pictures/"+name)
				if err != nil {
					t.Errorf("%s: %v (make pictures draws it)", p.Name, err)
					continue
				}
				delete(left, name)
				head, err := png.DecodeConfig(bytes.NewReader(data))
				if err != nil || head.Width != 900 || len(data) > 30_000 {
					t.Errorf("%s: %s is %d wide and has %d bytes: %v", p.Name, name, head.Width, len(data), err)
				}
				guide, err := fs.ReadFile(p.Files, "guide/"+locale+".md")
				if err != nil || !bytes.Contains(guide, []byte("(pictures/"+name+")")) {
					t.Errorf("%s: %s stands in no guide (%v)", p.Name, name, err)
				}
			}
		}
		for name := range left {
			t.Errorf("%s: no screen is called %s", p.Name, name)
		}
	}
}
