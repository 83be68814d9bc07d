package config

import (
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"mailaudit/providers"
)

// scalarText gives a single value as it is written; isText is false for numbers and true/false.
func scalarText(n ast.Node) (text string, isText, ok bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true, true
	case *ast.LiteralNode:
		return n.Value.Value, true, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, false, true
	}
	return "", false, false
}

// kindOf names a node as the writer of the file would.
func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.NullNode:
		return "empty"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a group of keys"
	case *ast.AliasNode, *ast.AnchorNode:
		return "a YAML anchor or alias (a value that begins with & or * needs quotes)"
	case *ast.TagNode:
		return "a YAML tag (a value that begins with ! needs quotes)"
	}
	return "something"
}

// wantedKind names what a key takes when written without ${...}; "" where its text decides.
func wantedKind(v reflect.Value) string {
	switch v.Interface().(type) {
	case providers.Secret, string:
		return "text"
	case time.Duration, Percent, Rate:
		return ""
	}
	switch v.Kind() {
	case reflect.Int:
		return "a number"
	case reflect.Bool:
		return "true or false"
	}
	return ""
}

// hashAfterColon reports whether a line reads "key: #value": YAML sees no value there, people do.
func (f *configFile) hashAfterColon(line int) bool {
	if line < 1 || line > len(f.lines) {
		return false
	}
	_, after, _ := strings.Cut(f.lines[line-1], ":")
	after = strings.TrimLeft(after, " \t")
	return len(after) > 1 && after[0] == '#' && after[1] != ' ' && after[1] != '#'
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}
