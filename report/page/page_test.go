package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"mailaudit/audit"
	"mailaudit/report"
	"mailaudit/report/page"
	"mailaudit/report/reporttest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func render(t *testing.T, n reporttest.Night) []byte {
	t.Helper()
	s, err := report.Build(t.Context(), n.Store, "", n.Options)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := page.Write(t.Context(), &out, s, n.Store); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestGolden(t *testing.T) {
	for _, n := range reporttest.Nights() {
		if len(n.Store.Accounts) > 800 && n.Name != "typical" {
			continue
		}
		if n.Name == "typical" {
			n.Store.Accounts = thin(n)
			n.Store.Conclude()
		}
		got := bare(render(t, n))
		path := filepath.Join("testdata", n.Name+".html")
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s differs (-want +got); go test -update writes it anew:\n%s", path, diff)
		}
	}
}

var (
	scripts = regexp.MustCompile(`(?s)<script>.*?</script>`)
	styles  = regexp.MustCompile(`(?s)<style>.*?</style>`)
	hashes  = regexp.MustCompile(`sha256-[A-Za-z0-9+/=]+`)
)

// bare leaves out what stands in files of its own.
func bare(page []byte) []byte {
	page = scripts.ReplaceAll(page, []byte("<script>(page.js)</script>"))
	page = styles.ReplaceAll(page, []byte("<style>(page.css)</style>"))
	return hashes.ReplaceAll(page, []byte("sha256-(of page.js)"))
}

// thin keeps the typical night's kinds of accounts and a tenth of their number.
func thin(n reporttest.Night) (out []audit.Finding) {
	for i, f := range n.Store.Accounts {
		if i > 11_900 || i%40 == 0 {
			out = append(out, f)
		}
	}
	return out
}

// TestNothingFromOutside reads the page as a browser does: no script but the one that the policy names, nothing
// loaded, no link but to itself, and none of a tenant's texts became an element.
// inFolder are the ways to other runs, which a reader takes.
var inFolder = map[string]bool{"../2026-11-22/report.html": true, "next.html": true, "../index.html": true}

func TestNothingFromOutside(t *testing.T) {
	for _, n := range reporttest.Nights() {
		data := render(t, n)
		if !strings.Contains(html.UnescapeString(string(data[:1000])), `http-equiv="Content-Security-Policy" content="default-src 'none'`) {
			t.Errorf("%s: no policy", n.Name)
		}
		if bytes.Contains(data, []byte("ZgotmplZ")) {
			t.Errorf("%s: the template met a value in a place where none may stand", n.Name)
		}
		if n := bytes.Count(data, []byte("<script")); n > 2 {
			t.Errorf("%d scripts", n)
		}
		tokens := html.NewTokenizer(bytes.NewReader(data))
		for {
			kind := tokens.Next()
			if kind == html.ErrorToken {
				break
			}
			token := tokens.Token()
			if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
				continue
			}
			switch token.Data {
			case "script":
				if len(token.Attr) > 0 && token.Attr[0].Val != "application/json" {
					t.Errorf("%s: %v", n.Name, token)
				} else if len(token.Attr) == 0 {
					tokens.Next()
					sum := sha256.Sum256(tokens.Text())
					policy := html.UnescapeString(string(data[:1000]))
					if !strings.Contains(policy, "script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
						t.Errorf("%s: the policy does not name the script %x", n.Name, sum)
					}
				}
			case "img", "iframe", "link", "object", "base", "b":
				t.Errorf("%s: element %s", n.Name, token.Data)
			}
			for _, a := range token.Attr {
				if strings.HasPrefix(a.Key, "on") || (a.Key == "src" || a.Key == "href") && !strings.HasPrefix(a.Val, "#") && !inFolder[a.Val] {
					t.Errorf("%s: %s=%q on %s", n.Name, a.Key, a.Val, token.Data)
				}
			}
		}
	}
}

func TestMailboxesAreMasked(t *testing.T) {
	n := reporttest.First()
	open := reporttest.Canary + "180@google.example"
	if bytes.Contains(render(t, n), []byte(open)) {
		t.Error("an open mailbox")
	}
	n.FullAddresses = true
	if !bytes.Contains(render(t, n), []byte(open)) {
		t.Error("mailboxes are masked that were asked for in full")
	}
}

func TestManyFindingsAreCut(t *testing.T) {
	data := render(t, reporttest.Huge(30_000))
	if rows := bytes.Count(data, []byte("],[")); rows > 20_100 {
		t.Errorf("%d rows", rows)
	}
	if !bytes.Contains(data, []byte("New failures (15,000)")) || !bytes.Contains(data, []byte("The first 20,000 are listed")) {
		t.Error("the page does not say that it was cut")
	}
}
