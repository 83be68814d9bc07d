package providers

import (
	"cmp"
	"slices"
	"strings"
)

// Near returns up to n rules of those in the list whose words or codes a reply shares most, the nearest first, though
// they need not read it: where to begin with a rule of one's own.
func (rs Rules) Near(r Reply, n int) []Rule {
	type scored struct {
		rule  Rule
		score float64
	}
	f := fold(r)
	said := wordsOf(f.text)
	var near []scored
	for _, rule := range rs.list {
		if !slices.Contains(rule.Stages, r.Stage) || rule.Class == Unknown {
			continue
		}
		score := 0.0
		for _, phrase := range slices.Concat(rule.Any, rule.All, rule.Exact) {
			score = max(score, shared(said, wordsOf(phrase)))
		}
		if score == 0 {
			continue
		}
		if slices.ContainsFunc(rule.Codes, func(p string) bool { return codeMatches(p, f.code) }) {
			score += 0.1
		}
		if r.Enhanced != "" && slices.ContainsFunc(rule.Enhanced, func(p string) bool { return enhancedMatches(p, r.Enhanced) }) {
			score += 0.1
		}
		near = append(near, scored{rule, score})
	}
	slices.SortStableFunc(near, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	var out []Rule
	for _, s := range near[:min(n, len(near))] {
		out = append(out, s.rule)
	}
	return out
}

// shared is how much two lists of words have in common, from 0 to 1: one word alone says little.
func shared(a, b []string) float64 {
	if len(b) == 0 {
		return 0
	}
	both := 0
	for _, word := range b {
		if slices.ContainsFunc(a, func(said string) bool {
			stem, open := strings.CutSuffix(word, "*")
			return said == stem || open && strings.HasPrefix(said, stem)
		}) {
			both++
		}
	}
	return float64(both) / float64(len(b)+1)
}

// smallWords say nothing of what a reply is about.
var smallWords = []string{"a", "an", "and", "be", "by", "for", "from", "in", "is", "not", "of", "on", "or", "the", "this", "to", "with", "you", "your"}

func wordsOf(text string) []string {
	words := strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" .,:;!?()[]\"'/#", c) })
	return slices.DeleteFunc(words, func(w string) bool { return strings.HasPrefix(w, "<") || slices.Contains(smallWords, w) })
}
