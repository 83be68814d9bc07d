package notice

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"path"
	"slices"
	"strings"

	"mailaudit/audit"
	"mailaudit/providers"
)

//go:embed site.html.tmpl
var siteTemplate string

var siteHTML = template.Must(template.New("site").Parse(siteTemplate))

// File is one file of the guide pages.
type File struct {
	Path string // slashes, below the folder that is served at [Settings.GuideURL]
	Data []byte
}

// Site writes the guide pages: an index for each language, and a page for each guide. They hold nothing of
// any customer. only names the providers that are wanted; none: all.
func Site(s Settings, only ...string) ([]File, error) {
	look, err := s.look("")
	if err != nil {
		return nil, err
	}
	b := siteBuilder{settings: s, look: look, pictures: map[string][]byte{}}
	for _, locale := range s.Guides.languages() {
		if err := b.language(locale, only); err != nil {
			return nil, err
		}
	}
	if err := b.front(); err != nil {
		return nil, err
	}
	for name, data := range b.pictures {
		b.files = append(b.files, File{path.Join("pictures", name), data})
	}
	slices.SortFunc(b.files, func(x, y File) int { return strings.Compare(x.Path, y.Path) })
	return b.files, nil
}

// siteBuilder gathers the pages.
type siteBuilder struct {
	settings Settings
	look     look
	files    []File
	pictures map[string][]byte
	indexes  []siteLink
}

// sitePage is what the template of a page needs.
type sitePage struct {
	Language string
	Title    string
	Product  string
	Colour   colour
	Up       *siteLink // to the index; nil on the index
	Skip     string
	Updated  string
	Blocks   []block
	Also     []siteLink  // below the text
	Sheet    bool        // printed on one sheet
	Choose   string      // heads the list of an index's groups
	Groups   []siteGroup // of an index
}

type siteGroup struct {
	ID    string
	Title string
	Links []siteLink
}

type siteLink struct{ Href, Text, Language string }

func (b *siteBuilder) put(name string, p sitePage) error {
	page, err := b.render(p)
	if err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	b.files = append(b.files, File{name, []byte(page)})
	return nil
}

func (b *siteBuilder) render(p sitePage) (string, error) {
	p.Product, p.Colour = b.look.Product, b.look.Colour
	var sb strings.Builder
	err := siteHTML.Execute(&sb, p)
	return sb.String(), err
}

// language writes the pages of one language and their index.
func (b *siteBuilder) language(locale string, only []string) error {
	frame := texts{frame: b.settings.Guides.frame.documents(chain(locale))}
	index := sitePage{
		Language: locale, Skip: frame.front("skip", ""),
		Title: replace(frame.front("pages", ""), "product", b.look.Product), Choose: frame.front("choose", ""),
	}
	up := &siteLink{Href: "index.html", Text: index.Title}
	for _, name := range b.settings.Guides.order {
		if len(only) > 0 && !slices.Contains(only, name) {
			continue
		}
		one := b.settings.Guides.provider[name]
		for i := range one.Brands {
			links, err := b.brand(locale, one, &one.Brands[i], up)
			if err != nil {
				return err
			}
			own := texts{guide: one, own: one.texts.documents(chain(locale))}
			group := siteGroup{ID: one.Name + "-" + one.Brands[i].Name, Title: own.called(&one.Brands[i]), Links: links}
			if !slices.ContainsFunc(index.Groups, func(g siteGroup) bool { return g.Title == group.Title }) {
				index.Groups = append(index.Groups, group)
			}
		}
	}
	b.indexes = append(b.indexes, siteLink{locale + "/index.html", index.Title, locale})
	return b.put(locale+"/index.html", index)
}

// siteVerdicts are those that customers are told, what is met most first.
var siteVerdicts = []audit.Verdict{
	audit.Revoked, audit.Invalid, audit.AppPasswordRequired, audit.SignInBlocked, audit.AuthDisabled, audit.MethodRetired,
	audit.AccountBlocked, audit.Misconfigured, audit.SingleFactor, ahead,
}

func (b *siteBuilder) brand(locale string, one *guide, brand *providers.Brand, up *siteLink) ([]siteLink, error) {
	links, err := b.setUp(locale, one, brand, up)
	if err != nil {
		return nil, err
	}
	first := links
	for _, verdict := range siteVerdicts {
		for _, actor := range []providers.Actor{providers.ActorCustomer, providers.ActorAdministrator} {
			for _, grant := range []bool{false, true} {
				if grant && len(one.OAuthMechanisms) == 0 {
					continue
				}
				g := group{brand: brand, verdict: verdict, actor: actor, grant: grant}
				link, err := b.guide(locale, one, g, up, first)
				if errors.Is(err, ErrNoMail) || errors.Is(err, errNoSection) {
					continue
				}
				if err != nil {
					return nil, err
				}
				if !slices.ContainsFunc(links, func(l siteLink) bool { return l.Text == link.Text }) {
					links = append(links, link) // the mails lead to the others
				}
			}
		}
	}
	return links, nil
}

// setUp writes a brand's set-up page with its problems, and gives the link to it; none where the brand has no such page.
func (b *siteBuilder) setUp(locale string, one *guide, brand *providers.Brand, up *siteLink) ([]siteLink, error) {
	d, err := newPageDraft(locale, one, group{brand: brand, verdict: audit.Revoked, actor: providers.ActorCustomer}, b.settings)
	if err != nil {
		return nil, err
	}
	p, err := d.setUp(brand)
	if errors.Is(err, errNoSection) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	file := func(name string) string { return one.Name + "-" + d.namesake(brand).Name + "-" + name + ".html" }
	link := siteLink{Href: file("set-up"), Text: p.title}
	if b.has(locale + "/" + link.Href) {
		return []siteLink{link}, nil
	}
	page := sitePage{Language: locale, Title: p.title, Up: up, Skip: d.texts.front("skip", ""), Updated: d.texts.updated(), Sheet: true}
	page.Blocks = b.illustrate(slices.Concat(p.blocks, p.answers(func(q problem) string { return file(q.name) }), p.last))
	if err := b.put(locale+"/"+link.Href, page); err != nil {
		return nil, err
	}
	for _, q := range p.problems {
		page := sitePage{
			Language: locale, Title: textOf(q.title), Up: up, Skip: page.Skip, Updated: page.Updated, Also: []siteLink{link},
			Blocks: b.illustrate(slices.Concat(q.blocks, p.last)),
		}
		if err := b.put(locale+"/"+file(q.name), page); err != nil {
			return nil, err
		}
	}
	return []siteLink{link}, nil
}

// namesake is the first of the provider's brands that readers know by the same name.
func (d *draft) namesake(brand *providers.Brand) *providers.Brand {
	for i := range d.texts.guide.Brands {
		if other := &d.texts.guide.Brands[i]; d.texts.called(other) == d.texts.called(brand) {
			return other
		}
	}
	return brand
}

func (b *siteBuilder) has(name string) bool {
	return slices.ContainsFunc(b.files, func(f File) bool { return f.Path == name })
}

// illustrate gives pictures their addresses among the pages.
func (b *siteBuilder) illustrate(blocks []block) []block {
	return illustrate(blocks, func(p *picture) template.URL {
		b.pictures[p.Name] = p.Data
		return template.URL("../pictures/" + p.Name)
	})
}

// guide writes one page, unless another group's page says the same.
func (b *siteBuilder) guide(locale string, one *guide, g group, up *siteLink, also []siteLink) (siteLink, error) {
	d, err := newPageDraft(locale, one, g, b.settings)
	if err != nil {
		return siteLink{}, err
	}
	name := d.pageName(g)
	g.items = []Item{{}}
	c, v := d.cell(g), d.groupValues(g)
	w := writer{draft: d}
	title := textOf(spansOf(w.lookup("short", string(g.verdict), c, v)))
	blocks := w.lookup("verdict", string(g.verdict), c, v)
	blocks = append(blocks, w.trouble(g, c, v)...)
	if v["help"].Text != "" {
		blocks = append(blocks, w.lookup("text", "help", c, v)...)
	}
	blocks = append(blocks, w.lookup("text", "page-foot", c, v)...)
	if w.err != nil {
		return siteLink{}, w.err
	}
	link := siteLink{Href: strings.TrimPrefix(name, locale+"/"), Text: title}
	if b.has(name) {
		return link, nil
	}
	blocks = b.illustrate(blocks)
	if g.grant {
		also = nil // it is about passwords
	}
	about := d.texts.called(g.brand)
	if len(d.alike(g)) > 1 {
		about = d.texts.front("title", "")
	}
	return link, b.put(name, sitePage{
		Language: locale, Title: about + ": " + title, Up: up, Skip: d.texts.front("skip", ""),
		Updated: d.texts.updated(), Blocks: blocks, Also: also,
	})
}

// front is the page at the very address: it leads to the languages.
func (b *siteBuilder) front() error {
	frame := texts{frame: b.settings.Guides.frame.documents([]string{fallback})}
	page := sitePage{Language: fallback, Title: replace(frame.front("pages", ""), "product", b.look.Product), Skip: frame.front("skip", "")}
	page.Groups = []siteGroup{{Links: b.indexes}}
	return b.put("index.html", page)
}

// newPageDraft prepares the texts of a page, which is of nobody.
func newPageDraft(locale string, one *guide, g group, s Settings) (*draft, error) {
	l := Letter{
		Kind: audit.KindFinding, Provider: one.Name, Locale: locale,
		Items: []Item{{Brand: g.brand.Name, Verdict: g.verdict, Actor: g.actor, Grant: g.grant}},
	}
	if g.verdict == ahead {
		l.Kind, l.Items[0].Verdict = audit.KindAhead, audit.Compliant
	}
	return newDraft(l, s)
}

// page is the address of the page that shows a group's guide; "" where no pages are served.
func (d *draft) page(g group) string {
	if d.settings.GuideURL == "" {
		return ""
	}
	return strings.TrimSuffix(d.settings.GuideURL, "/") + "/" + d.pageName(g)
}

// pageName is the file of a group's guide: es/google-gmail-revoked.html. Groups that are told the same share
// the plainest one's.
func (d *draft) pageName(g group) string {
	share := group{brand: g.brand, verdict: g.verdict, actor: providers.ActorCustomer}
	suffix := ""
	if g.grant && !d.sameGuide(g, share) {
		share.grant = true
		suffix += "-connected"
	}
	if g.actor == providers.ActorAdministrator && !d.sameGuide(g, share) {
		share.actor = providers.ActorAdministrator
		suffix += "-administrator"
	}
	if alike := d.alike(share); len(alike) > 0 {
		share.brand = alike[0]
	}
	return d.texts.language + "/" + d.texts.guide.Name + "-" + share.brand.Name + "-" +
		strings.ReplaceAll(string(g.verdict), "_", "-") + suffix + ".html"
}

// alike lists the brands whose customers are told what g is told, in the provider's order.
func (d *draft) alike(g group) []*providers.Brand {
	var out []*providers.Brand
	for i := range d.texts.guide.Brands {
		other := g
		if other.brand = &d.texts.guide.Brands[i]; d.sameBrand(g.brand, other.brand) || d.sameGuide(g, other) {
			out = append(out, other.brand)
		}
	}
	return out
}

// sameBrand tells that the texts treat two brands alike, whatever is told.
func (d *draft) sameBrand(a, b *providers.Brand) bool {
	if a == b {
		return true
	}
	return a.HelpURL == b.HelpURL && !d.texts.mention(a.Name) && !d.texts.mention(b.Name)
}

// mention reports whether anything in the texts holds for that brand alone.
func (t texts) mention(brand string) bool {
	for _, d := range slices.Concat(t.own, t.frame) {
		for key := range d.front {
			if strings.HasSuffix(key, "."+brand) {
				return true
			}
		}
		if slices.ContainsFunc(d.sections, func(s section) bool { return slices.Contains(s.brands, brand) }) {
			return true
		}
	}
	return false
}

func (d *draft) sameGuide(g, h group) bool {
	var said [2]string
	for i, one := range []group{g, h} {
		one.items = []Item{{}} // a page is of no mailbox
		w := writer{draft: d}
		c, v := d.cell(one), d.groupValues(one)
		said[i] = v["help"].Text
		for _, kind := range []string{"short", "verdict"} {
			said[i] += renderText(w.lookup(kind, string(one.verdict), c, v))
		}
		said[i] += renderText(w.trouble(one, c, v))
		if w.err != nil {
			return false
		}
	}
	return said[0] == said[1]
}

// called is what a heading calls a brand: the provider's only one has its name in the language of the text.
func (t texts) called(b *providers.Brand) string {
	if title := t.front("title", ""); len(t.guide.Brands) == 1 && title != "" {
		return title
	}
	return b.Title
}

func spansOf(blocks []block) []span {
	if len(blocks) == 0 {
		return nil
	}
	return blocks[0].Spans
}

// languages lists those in which there are pages: English first.
func (g *Guides) languages() []string {
	var out []string
	for l := range g.frame {
		whole := func(name string) bool { return len(g.provider[name].texts[l]) > 0 }
		if l != fallback && slices.ContainsFunc(g.order, whole) {
			out = append(out, l)
		}
	}
	slices.Sort(out)
	return append([]string{fallback}, out...)
}
