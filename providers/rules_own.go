package providers

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// ParseOwnRules reads an operator's rules of the provider called name, or of [CommonName], in the form of the
// built-in ones. A file of comments alone has none. Each rule names the file that it stands in.
func ParseOwnRules(name, file string, text []byte) ([]Rule, error) {
	rules, err := parseRules(name, text)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	for i := range rules {
		rules[i].File = file
	}
	return rules, err
}

// Amended returns the rules with an operator's before them: own before the provider's, shared before the shared
// ones. A rule with the id of a built-in one takes its place.
func (rs Rules) Amended(own, shared []Rule) Rules {
	own = amend(own, rs.list[:rs.own])
	return Rules{list: slices.Concat(own, amend(shared, rs.list[rs.own:])), own: len(own)}
}

func amend(first, builtIn []Rule) []Rule {
	return slices.Concat(first, slices.DeleteFunc(slices.Clone(builtIn), func(b Rule) bool {
		return slices.ContainsFunc(first, func(r Rule) bool { return r.ID == b.ID })
	}))
}

// yamlFault writes a parser's error in one line, without the excerpt from the file.
func yamlFault(err error) error {
	if _, ok := errors.AsType[yaml.Error](err); !ok {
		return err
	}
	place, text, ok := strings.Cut(strings.TrimPrefix(yaml.FormatError(err, false, false), "["), "] ")
	line, _, _ := strings.Cut(place, ":")
	if !ok || line == "" {
		return err
	}
	return errors.New("line " + line + ": " + text)
}
