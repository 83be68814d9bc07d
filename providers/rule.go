package providers

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Rule reads one kind of reply. A rule applies if each condition that it states holds; the values within one
// condition are alternatives, except those of All.
//
// Phrases are compared without regard to case and line splits, on word boundaries ("locked" is not found in
// "unlocked"; "suspend*" is found in "suspended"; "account ... locked" has up to four words between), and never
// within what varies from one reply to the next: host names, addresses, session ids, dates. "<account>" stands for
// any word of that kind in words.yaml, so that "<account> ... <disabled>" is a sentence of the grammar; a gap between
// kinds ends with the sentence.
type Rule struct {
	ID string `yaml:"id" json:"id"` // "google/bad-credentials"

	Stages      []Stage  `yaml:"stage" json:"stage,omitempty"`
	Codes       []string `yaml:"code" json:"code,omitempty"`               // "535", or "4xx" for all that begin with a 4
	Enhanced    []string `yaml:"enhanced" json:"enhanced,omitempty"`       // "5.7.8", or "5.7.x" for all that begin so
	Any         []string `yaml:"text" json:"text,omitempty"`               // phrases, one of which is in the text
	All         []string `yaml:"all" json:"all,omitempty"`                 // phrases that are all in the text
	None        []string `yaml:"not" json:"not,omitempty"`                 // phrases none of which is in the text
	Exact       []string `yaml:"exact" json:"exact,omitempty"`             // the whole text, but for stops at its end; "": no text at all
	OAuthErrors []string `yaml:"oauth_error" json:"oauth_error,omitempty"` // the token endpoint's "error" or "suberror"
	OAuthCodes  []int    `yaml:"oauth_code" json:"oauth_code,omitempty"`   // Microsoft's AADSTS numbers
	SASL        []string `yaml:"sasl" json:"sasl,omitempty"`               // "status" of a 334 error challenge: "400", "4xx", "invalid_token"
	Token       bool     `yaml:"token" json:"token,omitempty"`             // only what is said to an access token that had just been issued

	Class     Class     `yaml:"class" json:"class"`
	Certainty Certainty `yaml:"certainty" json:"certainty"` // ambiguous unless the rule says definite
	TwoFactor TwoFactor `yaml:"two_factor" json:"two_factor"`
	Actor     Actor     `yaml:"actor" json:"actor,omitempty"`
	Retired   bool      `yaml:"retired" json:"retired,omitempty"`

	Source string `yaml:"source" json:"source"` // who says so
	Seen   string `yaml:"seen" json:"seen"`     // when the reply was given or its source read: 2026, 2026-03 or 2026-03-15

	File string `yaml:"-" json:"file,omitempty"` // the operator's file that holds the rule; "" of a built-in one
}

// Reading is what the rule makes of a reply that it matches. A rule of class unknown keeps the rules after it
// from reading a reply that names a cause which nobody knows yet; its reading is that of no rule.
func (r Rule) Reading() Reading {
	if r.Class == Unknown {
		return Reading{Class: Unknown, Certainty: Ambiguous}
	}
	return Reading{Class: r.Class, Rule: r.ID, Basis: r.Basis(), Certainty: r.Certainty, TwoFactor: r.TwoFactor, Actor: r.Actor, Retired: r.Retired}
}

// Basis returns how the rule reads a reply. A code of a standard alone is a default; a provider's own list of codes is
// as good as words.
func (r Rule) Basis() Basis {
	switch {
	case slices.ContainsFunc(slices.Concat(r.Any, r.All), hasKinds):
		return BasisGrammar
	case strings.HasPrefix(r.ID, CommonName+"/") && len(r.Any)+len(r.All)+len(r.OAuthErrors)+len(r.OAuthCodes)+len(r.SASL) == 0 &&
		strings.Join(r.Exact, "") == "":
		return BasisDefault
	}
	return BasisRule
}

// matches compares the rule with a reply; f is the reply folded once for all rules.
func (r *Rule) matches(reply *Reply, f *folded) bool {
	if !slices.Contains(r.Stages, reply.Stage) {
		return false
	}
	if r.Token && !reply.Token {
		return false
	}
	if len(r.Codes) > 0 && !slices.ContainsFunc(r.Codes, func(p string) bool { return codeMatches(p, f.code) }) {
		return false
	}
	if len(r.Enhanced) > 0 && !slices.ContainsFunc(r.Enhanced, func(p string) bool { return enhancedMatches(p, reply.Enhanced) }) {
		return false
	}
	if len(r.OAuthErrors) > 0 && !slices.ContainsFunc(r.OAuthErrors, func(e string) bool {
		return strings.EqualFold(e, reply.OAuthError) || strings.EqualFold(e, reply.OAuthSuberror)
	}) {
		return false
	}
	if len(r.OAuthCodes) > 0 && !slices.ContainsFunc(r.OAuthCodes, func(c int) bool { return slices.Contains(reply.OAuthCodes, c) }) {
		return false
	}
	if len(r.SASL) > 0 && !slices.ContainsFunc(r.SASL, func(p string) bool { return codeMatches(p, f.sasl) }) {
		return false
	}
	if len(r.Exact) > 0 && !slices.Contains(r.Exact, strings.TrimRight(f.text, " .:;!")) {
		return false
	}
	if len(r.Any) > 0 && !slices.ContainsFunc(r.Any, f.has) {
		return false
	}
	return !slices.ContainsFunc(r.None, f.has) &&
		!slices.ContainsFunc(r.All, func(p string) bool { return !f.has(p) })
}

// codeMatches compares a code with a pattern such as "535" or "5xx".
func codeMatches(pattern, code string) bool {
	if strings.HasSuffix(pattern, "xx") && len(pattern) == 3 {
		return len(code) == 3 && code[0] == pattern[0]
	}
	return pattern == code
}

// enhancedMatches compares an enhanced code with a pattern such as "5.7.8" or "5.7.x".
func enhancedMatches(pattern, code string) bool {
	if subject, ok := strings.CutSuffix(pattern, "x"); ok {
		return strings.HasPrefix(code, subject)
	}
	return pattern == code
}

var rePattern = regexp.MustCompile(`^[245]\.[0-9]{1,3}\.(?:[0-9]{1,3}|x)$`)

// check tells what is wrong with a rule of the provider called prefix.
func (r *Rule) check(prefix string) error {
	name, ok := strings.CutPrefix(r.ID, prefix+"/")
	switch {
	case !ok || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return fmt.Errorf("id is not of the form %s/lower-case-words", prefix)
	case len(r.Stages) == 0:
		return fmt.Errorf("no stage")
	case len(r.Codes)+len(r.Enhanced)+len(r.Any)+len(r.All)+len(r.Exact)+len(r.OAuthErrors)+len(r.OAuthCodes)+len(r.SASL) == 0:
		return fmt.Errorf("no condition beside the stage")
	case !r.Class.Valid():
		return fmt.Errorf("class %q is not known", r.Class)
	case r.Certainty != Definite && r.Certainty != Ambiguous:
		return fmt.Errorf("certainty %q is neither definite nor ambiguous", r.Certainty)
	case r.Certainty == Definite && r.Basis() == BasisGrammar:
		return fmt.Errorf("kinds of words are inferred from: certainty cannot be definite")
	case !slices.Contains([]TwoFactor{"", TwoFactorShown, TwoFactorLikely, TwoFactorUnknown, TwoFactorAbsent}, r.TwoFactor):
		return fmt.Errorf("two_factor %q is not known; one of %s, %s, %s, %s", r.TwoFactor, TwoFactorShown, TwoFactorLikely, TwoFactorUnknown, TwoFactorAbsent)
	case !slices.Contains([]Actor{"", ActorCustomer, ActorAdministrator, ActorUs}, r.Actor):
		return fmt.Errorf("actor %q is not known; one of %s, %s, %s", r.Actor, ActorCustomer, ActorAdministrator, ActorUs)
	case r.Source == "":
		return fmt.Errorf("no source")
	case !isDate(r.Seen):
		return fmt.Errorf("seen %q is not a date such as 2026, 2026-03 or 2026-03-15", r.Seen)
	}
	for _, s := range r.Stages {
		if !slices.Contains(stages, s) {
			return fmt.Errorf("stage %q is not known", s)
		}
	}
	for _, c := range r.Codes {
		if n, err := strconv.Atoi(strings.ReplaceAll(c, "x", "0")); err != nil || n < 200 || n > 599 {
			return fmt.Errorf("code %q is neither a code nor a pattern such as 5xx", c)
		}
	}
	for _, e := range r.Enhanced {
		if !rePattern.MatchString(e) {
			return fmt.Errorf("enhanced code %q is neither a code nor a pattern such as 5.7.x", e)
		}
	}
	for _, p := range slices.Concat(r.Any, r.All, r.None, r.Exact) {
		if p == "" && slices.Contains(r.Exact, p) {
			continue
		}
		if p == "" || p != foldPhrase(p) {
			return fmt.Errorf("phrase %q is not folded; write %q", p, foldPhrase(p))
		}
		if strings.Contains(strings.ReplaceAll(p+" ", "* ", ""), "*") {
			return fmt.Errorf("phrase %q has a * within a word", p)
		}
		if err := checkKinds(p); err != nil {
			return err
		}
	}
	return nil
}

func isDate(s string) bool {
	for _, layout := range []string{"2006", "2006-01", "2006-01-02"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}
