package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers from the bottom up: a package imports its own layer's root and those of the layers below, so that
// what adapts a library is known to cmd alone.
var layers = []string{"providers", "audit", "report", "cmd"}

// arrows are the imports among the rooms of a layer. A room that is not named here imports its layer's root alone.
var arrows = map[string][]string{
	"audit/aside":           {},
	"audit/decide":          {},
	"audit/gate":            {},
	"audit/persist":         {},
	"audit/csvimport":       {"audit/gate"},
	"audit/ask":             {"audit/decide", "audit/aside", "audit/gate", "audit/persist"},
	"audit/outbox":          {"audit/decide", "audit/aside"},
	"audit/night":           {"audit/decide", "audit/aside", "audit/ask", "audit/gate", "audit/outbox", "audit/persist"},
	"audit/operate":         {"audit/decide", "audit/aside", "audit/ask", "audit/outbox"},
	"audit/history":         {"audit/decide"},
	"audit/postgres":        {"audit/history"}, // a walk over findings is one, whatever the store
	"audit/sqlite":          {"audit/history"},
	"cmd/mailaudit":         {"cmd/mailaudit/app", "cmd/mailaudit/cli"},
	"cmd/mailaudit/cli":     {"cmd/mailaudit/app", "cmd/mailaudit/config", "cmd/mailaudit/demo", "cmd/mailaudit/doctor", "cmd/mailaudit/exit"},
	"cmd/mailaudit/doctor":  {"cmd/mailaudit/app", "cmd/mailaudit/config", "cmd/mailaudit/exit"},
	"cmd/mailaudit/demo":    {"cmd/mailaudit/app", "cmd/mailaudit/exit"},
	"cmd/mailaudit/app":     {"cmd/mailaudit/api", "cmd/mailaudit/config", "cmd/mailaudit/exit", "cmd/mailaudit/webhook"},
	"cmd/mailaudit/api":     {},
	"cmd/mailaudit/webhook": {},
	"cmd/mailaudit/config":  {},
	"cmd/mailaudit/exit":    {},
	"audit/chain":           {},
	"report/evidence":       {"audit/chain", "audit/decide"}, // a pack tells what the chain states and what the guards ruled
	"report/notice":         {"audit/aside"},                 // which addresses a set-aside mail was for
}

// homes are the folders that may import each library. A library that is missing here has no home yet:
// give it one folder, and its users an interface of their own.
var homes = map[string][]string{
	"github.com/alecthomas/kong":                          {"cmd/mailaudit/cli"},
	"github.com/emersion/go-message":                      {"report/notice", "cmd/mailaudit/years"},
	"github.com/emersion/go-sasl":                         {"providers/dial", "providers/protocol", "providers/sim", "report/notice"},
	"github.com/emersion/go-smtp":                         {"providers/dial", "providers/sim", "report/notice"},
	"github.com/goccy/go-yaml":                            {"cmd/mailaudit/config", "providers"},
	"github.com/gofrs/flock":                              {"audit/sqlite"},
	"github.com/gorilla/websocket":                        {"providers/sim"},
	"github.com/jackc/pgx/v5":                             {"audit/postgres"},
	"github.com/jackc/pgx/v5/pgxpool":                     {"audit/postgres", "cmd/mailaudit/app"}, // handed from the store to the driver of River
	"github.com/pressly/goose/v3":                         {"audit/postgres", "audit/sqlite"},
	"github.com/prometheus/client_golang":                 {"cmd/mailaudit/app"},
	"github.com/riverqueue/river":                         {"audit/queue"},
	"github.com/riverqueue/river/riverdriver/riverpgxv5":  {"cmd/mailaudit/app"},
	"github.com/riverqueue/river/riverdriver/riversqlite": {"cmd/mailaudit/app"},
	"github.com/robfig/cron/v3":                           {"cmd/mailaudit/config"},
	"github.com/slack-go/slack":                           {"report/slack"},
	"github.com/standard-webhooks/standard-webhooks":      {"cmd/mailaudit/webhook"},
	"github.com/tink-crypto/tink-go/v2":                   {"audit/seal"},
	"github.com/vbauerster/mpb/v8":                        {"cmd/mailaudit/app"},
	"github.com/xdg-go/scram":                             {"providers/protocol", "providers/sim"},
	"github.com/yuin/goldmark":                            {"report/notice"},
	"golang.org/x/net":                                    anywhere, // parts of the standard library in all but place
	"golang.org/x/oauth2":                                 {"providers/dial"},
	"golang.org/x/sync":                                   anywhere,
	"golang.org/x/text":                                   anywhere,
	"modernc.org/sqlite":                                  {"audit/sqlite"},
	"github.com/chromedp/chromedp":                        testsAlone,
	"github.com/chromedp/cdproto":                         testsAlone,
	"github.com/google/go-cmp":                            testsAlone,
	"go.uber.org/goleak":                                  testsAlone,
	"pgregory.net/rapid":                                  testsAlone,
}

// shared are packages that others of their layer and above stand on.
var shared = []string{"providers/protocol", "providers/web"} // of both SMTP clients, and of all that speaks HTTP

var (
	testsAlone = []string{}
	anywhere   = []string{"*"}
)

// source is one Go file as this test sees it.
type source struct {
	name, folder string // with slashes, from the top of the project
	test         bool   // a test, or a package that only tests import
	imports      []string
}

func TestImportsGoOneWay(t *testing.T) {
	for _, s := range sources(t) {
		for _, imported := range s.imports {
			inside, ours := strings.CutPrefix(imported, "mailaudit/")
			switch {
			case ours && !mayImport(s, inside):
				t.Errorf("%s imports %s: imports go providers <- audit <- report <- cmd, and siblings do not know each other", s.name, imported)
			case !ours && strings.Contains(strings.Split(imported, "/")[0], ".") && !atHome(s, imported):
				t.Errorf("%s imports %s, whose home is elsewhere", s.name, imported)
			}
		}
	}
}

func mayImport(s source, imported string) bool {
	from, to := layerOf(s.folder), layerOf(imported)
	switch {
	case to > from || to < 0:
		return false
	case s.test, imported == s.folder, imported == layers[to], slices.Contains(arrows[s.folder], imported):
		return true
	case forTests(imported):
		return false
	case s.folder == "providers/catalog", slices.Contains(shared, imported):
		return true
	}
	return layers[from] == "cmd" && to < from
}

func layerOf(folder string) int {
	top, _, _ := strings.Cut(folder, "/")
	return slices.Index(layers, top)
}

// forTests reports whether no program imports the package: providertest, storetest, realmail, the scenarios, the years and the like.
func forTests(folder string) bool {
	return strings.HasSuffix(folder, "test") || path.Base(folder) == "realmail" || path.Base(folder) == "scenario" || strings.HasPrefix(folder+"/", "cmd/mailaudit/years/")
}

// atHome goes by the longest entry that covers the import.
func atHome(s source, imported string) bool {
	var library string
	for known := range homes {
		if (imported == known || strings.HasPrefix(imported, known+"/")) && len(known) > len(library) {
			library = known
		}
	}
	if library == "" {
		return false
	}
	home := homes[library]
	return s.test || slices.Equal(home, anywhere) || slices.Contains(home, s.folder)
}

// sources reads the files rather than asking go list, whose answer Go's test cache would not notice to
// change.
func sources(t *testing.T) (all []source) {
	t.Helper()
	top := filepath.Join("..", "..")
	for _, layer := range layers {
		err := filepath.WalkDir(filepath.Join(top, layer), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(name) != ".go" {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			inside, err := filepath.Rel(top, name)
			if err != nil {
				return err
			}
			s := source{name: filepath.ToSlash(inside)}
			s.folder = path.Dir(s.name)
			s.test = strings.HasSuffix(s.name, "_test.go") || forTests(s.folder)
			for _, spec := range file.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					return err
				}
				s.imports = append(s.imports, imported)
			}
			all = append(all, s)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 100 {
		t.Fatalf("only %d files found", len(all))
	}
	return all
}
