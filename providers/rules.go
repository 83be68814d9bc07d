package providers

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"github.com/goccy/go-yaml"
)

// common.yaml holds what is no single provider's: the codes of the standards, and the wordings of mail
// server software. Every provider's own rules are tried before it.
//
//go:embed common.yaml
var commonYAML []byte

// common reads the shared rules once; nobody changes them.
var common = sync.OnceValues(func() ([]Rule, error) { return parseRules(CommonName, commonYAML) })

// CommonName is the prefix of the ids of the shared rules.
const CommonName = "common"

// Rules is a provider's rules in the order in which they are tried: the provider's own as its file lists
// them, then the shared ones. The first that matches decides. The zero value knows no reply.
type Rules struct {
	list []Rule
	own  int // how many are the provider's own
}

// ParseRules reads a rules file of the provider called name and puts the shared rules after it. An unknown
// key, an unknown value or a rule without a source is an error.
func ParseRules(name string, file []byte) (Rules, error) {
	own, err := parseRules(name, file)
	if err != nil {
		return Rules{}, err
	}
	shared, err := common()
	if err != nil {
		return Rules{}, err
	}
	return Rules{list: slices.Concat(own, shared), own: len(own)}, nil
}

// MustParseRules is [ParseRules] for files that are part of the program; each is loaded by a test.
func MustParseRules(name string, file []byte) Rules {
	rules, err := ParseRules(name, file)
	if err != nil {
		panic(err)
	}
	return rules
}

// CommonRules returns the shared rules alone.
func CommonRules() Rules {
	list, err := common()
	if err != nil {
		panic(err)
	}
	return Rules{list: list, own: len(list)}
}

// Own returns a copy of the rules of the provider itself.
func (rs Rules) Own() []Rule { return slices.Clone(rs.list[:rs.own]) }

// All returns a copy of all rules in the order in which they are tried.
func (rs Rules) All() []Rule { return slices.Clone(rs.list) }

// Read returns what the first matching rule makes of a reply, or class unknown. A reply that quotes another
// ("530 5.7.57 ... Error: 535 5.7.139 ...") is read by the one it quotes, one with several AADSTS numbers by the
// last: that is the cause.
func (rs Rules) Read(reply Reply) Reading {
	rule, ok := rs.Match(reply)
	if !ok {
		return Reading{Class: Unknown, Certainty: Ambiguous}
	}
	reading := rule.Reading()
	reading.MayPass = reply.Code/100 == 4 && reply.Stage != StageOAuthToken && reading.Accuses()
	if reading.MayPass && len(rule.Codes) > 0 { // a rule without codes knows the very words under the very code
		reading.Certainty = Ambiguous
	}
	return reading
}

// Match returns the rule that reads a reply.
func (rs Rules) Match(reply Reply) (Rule, bool) {
	if inner, ok := reply.quoted(); ok {
		if r, ok := rs.match(inner); ok {
			return r, true
		}
	}
	return rs.match(reply)
}

func (rs Rules) match(reply Reply) (Rule, bool) {
	if n := len(reply.OAuthCodes); n > 1 { // "AADSTS70002: Error validating credentials. AADSTS50012: Invalid client secret ..."
		reply.OAuthCodes = reply.OAuthCodes[n-1:]
	}
	f := fold(reply)
	for i := range rs.list {
		if rs.list[i].matches(&reply, &f) {
			return rs.list[i], true
		}
	}
	return Rule{}, false
}

func parseRules(name string, file []byte) ([]Rule, error) {
	var rules []Rule
	dec := yaml.NewDecoder(bytes.NewReader(file), yaml.Strict())
	if err := dec.Decode(&rules); err != nil {
		return nil, fmt.Errorf("read rules of %s: %w", name, yamlFault(err))
	}
	seen := map[string]bool{}
	for i := range rules {
		r := &rules[i]
		if r.Certainty == "" {
			r.Certainty = Ambiguous
		}
		if err := r.check(name); err != nil {
			return nil, fmt.Errorf("read rules of %s: rule %d (%s): %w", name, i+1, r.ID, err)
		}
		if seen[r.ID] {
			return nil, fmt.Errorf("read rules of %s: id %s is used twice", name, r.ID)
		}
		seen[r.ID] = true
	}
	return rules, nil
}
