package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mailaudit/report/reporttest"
)

// schema checks documents by the part of JSON Schema that the published file uses, and by more: a member that
// the schema does not describe is a fault, and so is a word of the schema that is not understood here.
type schema struct{ root map[string]any }

func published(t *testing.T) schema {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "deploy", "report.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	return schema{root}
}

func (s schema) faults(doc []byte) []string {
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		return []string{err.Error()}
	}
	return s.check("", s.root, v)
}

func (s schema) check(at string, rule map[string]any, v any) (faults []string) {
	bad := func(format string, args ...any) { faults = append(faults, at+": "+fmt.Sprintf(format, args...)) }
	for word, want := range rule {
		switch word {
		case "$schema", "$id", "$defs", "title", "description":
		case "$ref":
			name := strings.TrimPrefix(want.(string), "#/$defs/")
			faults = append(faults, s.check(at, s.root["$defs"].(map[string]any)[name].(map[string]any), v)...)
		case "type":
			if !ofTypes(want, v) {
				bad("is no %s: %v", want, v)
			}
		case "enum":
			if !slices.Contains(want.([]any), v) {
				bad("%v is none of %v", v, want)
			}
		case "pattern":
			if text, ok := v.(string); !ok || !regexp.MustCompile(want.(string)).MatchString(text) {
				bad("%v does not match %s", v, want)
			}
		case "minimum":
			if n, ok := v.(float64); !ok || n < want.(float64) {
				bad("%v is below %v", v, want)
			}
		case "required":
			for _, name := range want.([]any) {
				if _, ok := v.(map[string]any)[name.(string)]; !ok {
					bad("lacks %s", name)
				}
			}
		case "properties":
			members, ok := v.(map[string]any)
			if !ok {
				continue // type says so
			}
			for name, value := range members {
				if rule, ok := want.(map[string]any)[name].(map[string]any); ok {
					faults = append(faults, s.check(at+"/"+name, rule, value)...)
				} else {
					bad("has %s, which the schema does not describe", name)
				}
			}
		case "additionalProperties": // none is allowed anywhere, see properties
		case "items":
			elements, _ := v.([]any)
			for i, e := range elements {
				faults = append(faults, s.check(fmt.Sprintf("%s/%d", at, i), want.(map[string]any), e)...)
			}
		default:
			bad("the schema's %s is not understood", word)
		}
	}
	return faults
}

// ofTypes takes one name, or a list of those that are allowed.
func ofTypes(names, v any) bool {
	list, many := names.([]any)
	if !many {
		list = []any{names}
	}
	return slices.ContainsFunc(list, func(name any) bool { return ofType(name.(string), v) })
}

func ofType(name string, v any) bool {
	switch v := v.(type) {
	case nil:
		return name == "null"
	case map[string]any:
		return name == "object"
	case []any:
		return name == "array"
	case string:
		return name == "string"
	case bool:
		return name == "boolean"
	case float64:
		return name == "integer" && v == float64(int64(v))
	}
	return false
}

func TestReportsFollowThePublishedSchema(t *testing.T) {
	s := published(t)
	for _, n := range reporttest.Nights() {
		var out bytes.Buffer
		if err := build(t, n).WriteJSON(t.Context(), &out, n.Store); err != nil {
			t.Fatal(err)
		}
		for i, fault := range s.faults(out.Bytes()) {
			if t.Errorf("%s%s", n.Name, fault); i > 5 {
				break
			}
		}
	}
}

func TestTheSchemaRefuses(t *testing.T) {
	s := published(t)
	n := reporttest.Typical()
	var out bytes.Buffer
	if err := build(t, n).WriteJSON(t.Context(), &out, n.Store); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`"status":"concluded"`, `"status":"done"`},
		{`"accounts":12008`, `"accounts":"12008"`},
		{`"accounts":12008`, `"accounts":-1`},
		{`"carried":false`, `"carried":0`},
		{`"verdict":"revoked"`, `"verdict":"compliant"`},
		{`"rule":`, `"rules":`},
		{`T09:00:00Z`, ` 09:00`},
	} {
		broken := strings.Replace(out.String(), change[0], change[1], 1)
		if broken == out.String() {
			t.Errorf("no %s to change", change[0])
		} else if len(s.faults([]byte(broken))) == 0 {
			t.Errorf("%s is taken for %s", change[1], change[0])
		}
	}
}
