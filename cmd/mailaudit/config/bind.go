package config

import (
	"encoding"
	"fmt"
	"net/mail"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"

	"mailaudit/providers"
)

func valueOf(pointer any) reflect.Value { return reflect.ValueOf(pointer).Elem() }

// bind puts a node of the file into v. The YAML library could decode by itself, but not replace ${...}
// after parsing, nor keep each key's line for the checks that follow.
func (f *configFile) bind(key string, n ast.Node, v reflect.Value) error {
	if _, isLeaf := v.Addr().Interface().(encoding.TextUnmarshaler); isLeaf {
		return f.bindLeaf(key, n, v)
	}
	switch v.Interface().(type) {
	case providers.Secret, time.Time, mail.Address, *time.Location:
		return f.bindLeaf(key, n, v)
	}
	switch v.Kind() {
	case reflect.Struct:
		return f.bindFields(key, n, v)
	case reflect.Map:
		return f.bindMap(key, n, v)
	case reflect.Slice:
		return f.bindList(key, n, v)
	}
	return f.bindLeaf(key, n, v)
}

// pair is a key of a mapping and its value.
type pair struct {
	name  string
	line  int
	value ast.Node
}

// pairs lists a mapping's entries and refuses one that is given twice; known is for words that were mistyped.
func (f *configFile) pairs(key string, n ast.Node) ([]pair, error) {
	mapping, ok := n.(ast.MapNode)
	if !ok {
		return nil, f.faultAtf(lineOf(n), key, "is %s where keys with values are needed", kindOf(n))
	}
	var list []pair
	lines := map[string]int{}
	for it := mapping.MapRange(); it.Next(); {
		name := it.Key()
		line := lineOf(name)
		if name.IsMergeKey() {
			return nil, f.faultAt(line, key, "merge keys (<<) are not understood here; write the keys out")
		}
		scalar, ok := name.(ast.ScalarNode)
		if !ok || name.GetToken() == nil {
			return nil, f.faultAt(line, key, "has a key that is not a plain word")
		}
		word := name.GetToken().Value
		if text, ok := scalar.GetValue().(string); ok {
			word = text
		}
		if first, twice := lines[word]; twice {
			return nil, f.faultAtf(line, join(key, word), "is given twice, first on line %d", first)
		}
		lines[word] = line
		list = append(list, pair{word, line, it.Value()})
	}
	return list, nil
}

func (f *configFile) bindFields(key string, n ast.Node, v reflect.Value) error {
	if n.Type() == ast.NullType {
		return nil // a heading whose keys are all commented out
	}
	entries, err := f.pairs(key, n)
	if err != nil {
		return err
	}
	fields := map[string]int{}
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("yaml"); name != "" {
			fields[name] = i
		}
	}
	for _, e := range entries {
		i, known := fields[e.name]
		if !known {
			return f.unknownKey(key, e, keysOf(fields))
		}
		f.given[join(key, e.name)] = given{line: e.line}
		if err := f.bind(join(key, e.name), e.value, v.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

func (f *configFile) bindMap(key string, n ast.Node, v reflect.Value) error {
	if n.Type() == ast.NullType {
		return nil
	}
	entries, err := f.pairs(key, n)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := reflect.ValueOf(e.name)
		elem := reflect.New(v.Type().Elem()).Elem()
		if v.Type().Elem().Kind() == reflect.Struct {
			// The names that exist are those with defaults.
			was := v.MapIndex(name)
			if !was.IsValid() {
				return f.unknownKey(key, e, keysOf(v.Interface().(map[string]Provider)))
			}
			elem.Set(was)
		}
		f.given[join(key, e.name)] = given{line: e.line}
		if err := f.bind(join(key, e.name), e.value, elem); err != nil {
			return err
		}
		v.SetMapIndex(name, elem)
		f.changed[key] = true
	}
	return nil
}

func (f *configFile) bindList(key string, n ast.Node, v reflect.Value) error {
	if n.Type() == ast.NullType {
		return nil
	}
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		return f.faultAtf(lineOf(n), key, "is %s where a list is needed; write [..., ...]", kindOf(n))
	}
	list := reflect.Zero(v.Type()) // [] and an absent key are the same
	if n := len(sequence.Values); n > 0 {
		list = reflect.MakeSlice(v.Type(), n, n)
	}
	for i, elem := range sequence.Values {
		if elem == nil || elem.Type() == ast.NullType {
			return f.faultAtf(lineOf(n), key, "has an empty entry")
		}
		if err := f.bind(fmt.Sprintf("%s[%d]", key, i), elem, list.Index(i)); err != nil {
			return err
		}
	}
	same := list.Len() == v.Len()
	for i := 0; same && i < list.Len(); i++ {
		same = list.Index(i).Interface() == v.Index(i).Interface()
	}
	f.changed[key] = f.changed[key] || !same
	v.Set(list)
	return nil
}

// bindLeaf reads a single value.
func (f *configFile) bindLeaf(key string, n ast.Node, v reflect.Value) error {
	line := lineOf(n)
	_, secret := v.Interface().(providers.Secret)
	if _, isDatabase := v.Interface().(Database); isDatabase {
		secret = true
	}
	if n.Type() == ast.NullType {
		if f.hashAfterColon(f.given[key].line) {
			return f.faultAt(f.given[key].line, key, "begins with #, which YAML reads as a comment; put the value in quotes")
		}
		return nil
	}
	text, isText, ok := scalarText(n)
	if !ok {
		return f.faultAtf(line, key, "is %s where a single value is needed", kindOf(n))
	}
	expanded, replaced, err := f.expand(text)
	if err != nil {
		return f.faultAt(line, key, err.Error())
	}
	f.given[key] = given{line: line, text: text, quoted: isText, replaced: replaced, secret: secret}
	if !replaced {
		if wanted := wantedKind(v); wanted != "" && (wanted == "text") != isText {
			hint := ""
			if wanted == "text" {
				hint = "; put it in quotes"
			}
			return f.fault(key, "is "+kindOf(n)+" where "+wanted+" is needed"+hint)
		}
	}
	return f.setText(key, expanded, v)
}

// setText sets v from text whatever it was in the file.
func (f *configFile) setText(key, text string, v reflect.Value) error {
	before := v.Interface()
	if err := setLeaf(v, text); err != nil {
		return f.fault(key, err.Error())
	}
	if s, ok := before.(providers.Secret); ok {
		f.changed[key] = s.Reveal() != text
	} else {
		f.changed[key] = !reflect.DeepEqual(before, v.Interface())
	}
	return nil
}

// setLeaf returns a predicate.
func setLeaf(v reflect.Value, text string) error {
	var err error
	switch p := v.Addr().Interface().(type) {
	case *providers.Secret:
		*p = providers.NewSecret(text)
		return nil
	case *time.Time: // by itself it would read RFC 3339
		return setDay(p, text)
	case encoding.TextUnmarshaler:
		return p.UnmarshalText([]byte(text))
	case *string:
		if strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("has a line end or another control character in it")
		}
		*p = text
	case *int:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return fmt.Errorf("is not a whole number")
		}
		*p = int(n)
	case *bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("is neither true nor false")
		}
		*p = text == "true"
	case *time.Duration:
		*p, err = parseDuration(text)
	case **time.Location:
		*p, err = loadZone(text)
	case *mail.Address:
		return setAddress(p, text)
	default:
		return fmt.Errorf("is of a kind that the program does not read: %T", p)
	}
	return err
}

func setDay(t *time.Time, text string) (err error) {
	if text == "" {
		*t = time.Time{}
		return nil
	}
	if *t, err = time.Parse(time.DateOnly, text); err != nil {
		return fmt.Errorf("is not a day such as 2027-03-31")
	}
	return nil
}

func setAddress(a *mail.Address, text string) error {
	if text == "" {
		*a = mail.Address{}
		return nil
	}
	parsed, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf(`is not a mail address such as "Example Support <support@example.com>"`)
	}
	*a = *parsed
	return nil
}
