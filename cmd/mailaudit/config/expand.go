package config

import (
	"fmt"
	"strings"
)

// expand replaces ${NAME} and ${file:PATH} in a value, and "$${" by "${". It runs after the YAML was read
// and looks at nothing that it put in, so any character may be in a variable or a file. The error is a
// predicate's place taken by a whole sentence, since it is not about the value but about what it names.
func (s surroundings) expand(text string) (expanded string, replaced bool, err error) {
	if !strings.Contains(text, "${") {
		return text, false, nil
	}
	var out strings.Builder
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			out.WriteString(text)
			return out.String(), replaced, nil
		}
		if i > 0 && text[i-1] == '$' {
			out.WriteString(text[:i-1] + "${")
			text = text[i+2:]
			continue
		}
		out.WriteString(text[:i])
		name, rest, closed := strings.Cut(text[i+2:], "}")
		if !closed {
			return "", false, fmt.Errorf("${ has no closing }; a plain ${ is written $${")
		}
		value, err := s.lookup(name)
		if err != nil {
			return "", false, err
		}
		out.WriteString(value)
		text, replaced = rest, true
	}
}

// lookup gives what ${name} stands for.
func (s surroundings) lookup(name string) (string, error) {
	if path, ok := strings.CutPrefix(name, "file:"); ok {
		data, err := s.readFile(path)
		if err != nil {
			return "", fmt.Errorf("${file:%s} cannot be read: %s", path, reason(err))
		}
		// One line end, as editors and echo leave it; more may belong to the value.
		return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
	}
	if !isVariableName(name) {
		return "", fmt.Errorf("${ must be followed by a variable's name or file:PATH; a plain ${ is written $${")
	}
	value, ok := s.lookupEnv(name)
	if !ok {
		return "", fmt.Errorf("the environment variable %s is not set", name)
	}
	return value, nil
}

func isVariableName(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}
