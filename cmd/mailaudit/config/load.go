package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

const (
	configVariable   = "MAILAUDIT_CONFIG"
	databaseVariable = "MAILAUDIT_DATABASE"

	// maxConfigFile bounds the file and each ${file:PATH}.
	maxConfigFile = 1 << 20
)

// surroundings is what a configuration may look at beside its own text.
type surroundings struct {
	lookupEnv func(string) (string, bool)
	readFile  func(string) ([]byte, error)
}

// configFile is a file on its way to a Config.
type configFile struct {
	name  string
	lines []string
	surroundings
	given   map[string]given // by key, "notices.remind_after[1]" for elements
	changed map[string]bool  // keys whose value differs from the default
}

// Load reads the file at path, or at MAILAUDIT_CONFIG, over the defaults; without either it is the
// defaults. MAILAUDIT_DATABASE overrides database. lookupEnv is os.LookupEnv: a variable that is set and
// empty is not one that is unset. Errors are of type *Error.
func Load(path string, lookupEnv func(string) (string, bool)) (*Config, error) {
	around := surroundings{lookupEnv: lookupEnv, readFile: readRegular}
	if path == "" {
		path, _ = lookupEnv(configVariable)
	}
	if path == "" {
		return parseText("", nil, around)
	}
	data, err := readBounded(path)
	if err != nil {
		return nil, &Error{File: path, Problem: "read the configuration: " + reason(err)}
	}
	c, err := parseText(path, data, around)
	if err == nil {
		if info, err := os.Stat(path); err == nil && readByOthers(info) {
			c.exposedFile, c.exposedMode = path, info.Mode().Perm()
		}
	}
	return c, err
}

// parseText does all of Load but opening the file, whose name it takes for errors.
func parseText(name string, data []byte, around surroundings) (*Config, error) {
	f := &configFile{
		name:         name,
		surroundings: around,
		given:        map[string]given{},
		changed:      map[string]bool{},
	}
	root, err := f.parse(data)
	if err != nil {
		return nil, err
	}
	c := Default()
	if root != nil {
		if err := f.bind("", root, valueOf(c)); err != nil {
			return nil, err
		}
	}
	if text, ok := around.lookupEnv(databaseVariable); ok && text != "" {
		f.given["database"] = given{env: databaseVariable, secret: true}
		if err := f.setText("database", text, valueOf(&c.Database)); err != nil {
			return nil, err
		}
	}
	if err := f.settle(c); err != nil {
		return nil, err
	}
	c.written = f.writtenSecrets()
	return c, nil
}

// parse returns the file's one mapping, nil for an empty file.
func (f *configFile) parse(data []byte) (ast.Node, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data) {
		return nil, f.faultAt(0, "", "is not UTF-8 text")
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	f.lines = strings.Split(string(data), "\n")
	// Duplicate keys are reported by us, with both lines.
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, f.syntaxFault(err)
	}
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.NullType || doc.Body.Type() == ast.CommentType {
			continue
		}
		if root != nil {
			return nil, f.faultAt(lineOf(doc.Body), "", "a second document begins here; the configuration is one")
		}
		root = doc.Body
	}
	return root, nil
}

// syntaxFault keeps the parser's words up to the first quotation mark: after it, and in the excerpt that
// the parser would print, stand pieces of the file, perhaps of a password.
func (f *configFile) syntaxFault(err error) error {
	var syntax yaml.Error
	if !errors.As(err, &syntax) {
		return f.faultAt(0, "", "is not YAML")
	}
	line := 0
	if token := syntax.GetToken(); token != nil && token.Position != nil {
		line = token.Position.Line
	}
	message, _, _ := strings.Cut(syntax.GetMessage(), `"`)
	message = strings.TrimRight(message, ": '")
	return f.faultAtf(line, "", "is not YAML: %s (a value with special signs needs quotes)", message)
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

// writtenSecrets are the keys whose secret stands in the file itself, in the order of the alphabet.
func (f *configFile) writtenSecrets() (keys []string) {
	for key, g := range f.given {
		if g.text == "" || g.replaced || g.env != "" {
			continue
		}
		u, err := url.Parse(g.text)
		bears := err == nil && u.User != nil && u.User.String() != u.User.Username()
		switch {
		case key == "database" || key == "accounts.database":
			if bears || err == nil && u.Query().Has("password") || err != nil && strings.Contains(g.text, "password=") {
				keys = append(keys, key)
			}
		case g.secret || bears:
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// readRegular reads a file that a value names. A pipe or a device could hold the start for ever, or have no end.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path) // follows links: Kubernetes mounts secrets as such
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	return readBounded(path)
}

// readBounded reads a file of at most maxConfigFile bytes.
func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxConfigFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxConfigFile {
		return nil, fmt.Errorf("larger than %d bytes", maxConfigFile)
	}
	return data, nil
}

// reason is what went wrong with a file, without the operation and path that the caller names already.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
