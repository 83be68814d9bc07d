package providers

import (
	"strconv"
	"strings"
)

// Words says for people how far a reading can be relied on; "" where no rule knows the reply.
func (b Basis) Words() string {
	switch b {
	case BasisRule:
		return "a known wording or code"
	case BasisGrammar:
		return "inferred from whom the reply names and what it says of them"
	case BasisDefault:
		return "the bare code of a standard, no words helped"
	case BasisFault:
		return "no reply came, inferred from the fault"
	}
	return ""
}

// Conditions says for people which replies the rule reads, one condition a line.
func (r Rule) Conditions() []string {
	stages := make([]string, len(r.Stages))
	for i, s := range r.Stages {
		stages[i] = string(s)
	}
	var lines []string
	say := func(what string, values []string, join string) {
		if len(values) > 0 {
			lines = append(lines, what+" "+strings.Join(values, join))
		}
	}
	say("stage", stages, " or ")
	say("code", r.Codes, " or ")
	say("enhanced code", r.Enhanced, " or ")
	say("OAuth error", r.OAuthErrors, " or ")
	say("OAuth number", numbers(r.OAuthCodes), " or ")
	say("challenge status", r.SASL, " or ")
	say("text has", quoted(r.Any), " or ")
	say("text has all of", quoted(r.All), ", ")
	say("text is", quoted(r.Exact), " or ")
	say("text has none of", quoted(r.None), ", ")
	if r.Token {
		lines = append(lines, "said to an access token that had just been issued")
	}
	return lines
}

func quoted(phrases []string) []string {
	out := make([]string, len(phrases))
	for i, p := range phrases {
		out[i] = `"` + p + `"`
	}
	return out
}

func numbers(list []int) []string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = strconv.Itoa(n)
	}
	return out
}
