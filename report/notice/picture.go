package notice

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/png"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

const (
	pictureAtMost  = 100 << 10 // bytes of one picture; the built-in ones are far smaller
	picturesAtMost = 150 << 10 // bytes of all pictures in one mail: 250 kB when they are encoded, texts included
)

// picture is a drawing that belongs to a step.
type picture struct {
	Name          string // of its file among the pages; its own content makes it unique
	ID            string // of its part in a mail
	Width, Height int    // pixels
	Type          string // "image/png"
	Data          []byte
	Src           template.URL
}

// loadPictures reads the pictures that a document names.
func (d *document) loadPictures(fsys fs.FS) error {
	loaded := map[string]*picture{}
	for _, s := range d.sections {
		for _, b := range s.blocks {
			for _, item := range b.Items {
				for i := range item {
					if item[i].Image == "" {
						continue
					}
					p := loaded[item[i].Image]
					if p == nil {
						var err error
						if p, err = loadPicture(fsys, path.Dir(d.path), item[i].Image); err != nil {
							return err
						}
						loaded[item[i].Image] = p
					}
					item[i].Image, item[i].Picture = "", p
				}
			}
		}
	}
	return nil
}

func loadPicture(fsys fs.FS, dir, name string) (*picture, error) {
	file := path.Join(dir, name)
	if !fs.ValidPath(file) || !strings.HasPrefix(file, dir+"/") {
		return nil, fmt.Errorf("picture %s: pictures lie in the guide's own folder", name)
	}
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	head, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("picture %s is not a PNG: %w", name, err)
	}
	if len(data) > pictureAtMost {
		return nil, fmt.Errorf("picture %s has %d bytes: at most %d", name, len(data), pictureAtMost)
	}
	sum := digest(string(data))
	return &picture{
		Name:  strings.TrimSuffix(path.Base(name), ".png") + "." + sum[:8] + ".png",
		ID:    sum + "@picture", // RFC 2392: an addr-spec
		Width: head.Width, Height: head.Height, Type: "image/png", Data: data,
	}, nil
}

// newLogo is the picture of a PNG, JPEG or GIF file. The template knows its height.
func newLogo(data []byte) *picture {
	kind := http.DetectContentType(data)
	sum := digest(string(data))
	return &picture{Name: "logo." + strings.TrimPrefix(kind, "image/"), ID: sum + "@logo", Type: kind, Data: data}
}

// illustrate gives each picture the address that source names, and takes out those for which it names none.
func illustrate(blocks []block, source func(*picture) template.URL) []block {
	out := make([]block, len(blocks))
	for i, b := range blocks {
		items := make([][]span, len(b.Items))
		for j, item := range b.Items {
			for _, s := range item {
				if s.Picture != nil {
					src := source(s.Picture)
					if src == "" {
						continue
					}
					p := *s.Picture
					p.Src = src
					s.Picture = &p
				}
				items[j] = append(items[j], s)
			}
		}
		b.Items, b.Body = items, illustrate(b.Body, source)
		out[i] = b
	}
	return out
}

// inline is the picture itself as an address.
func (p *picture) inline() template.URL {
	return template.URL("data:" + p.Type + ";base64," + base64.StdEncoding.EncodeToString(p.Data))
}

func unillustrated(*picture) template.URL { return "" }

// enclosures collects the pictures that go with one mail, each once, as many as its size allows.
type enclosures struct {
	list  []*picture
	bytes int
}

func (e *enclosures) source(p *picture) template.URL {
	address := template.URL("cid:" + p.ID)
	for _, q := range e.list {
		if q.ID == p.ID {
			return address
		}
	}
	if e.bytes+len(p.Data) > picturesAtMost {
		return ""
	}
	e.list, e.bytes = append(e.list, p), e.bytes+len(p.Data)
	return address
}

// selfContained puts the pictures into the page itself, for one that is looked at by itself.
func (e *enclosures) selfContained(page string) string {
	for _, p := range e.list {
		page = strings.ReplaceAll(page, "cid:"+p.ID, string(p.inline()))
	}
	return page
}

func isPictured(blocks []block) bool {
	for _, b := range blocks {
		for _, item := range b.Items {
			for _, s := range item {
				if s.Picture != nil {
					return true
				}
			}
		}
	}
	return false
}
