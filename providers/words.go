package providers

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

// words.yaml holds the grammar's vocabulary: for each kind of word, such as "account" or "disabled", the phrases
// that servers use for it, in each language.
//
//go:embed words.yaml
var wordsYAML []byte

// vocabulary reads the kinds of words once; nobody changes them.
var vocabulary = sync.OnceValues(func() (map[string][]string, error) { return parseWords(wordsYAML) })

func parseWords(file []byte) (map[string][]string, error) {
	var kinds map[string][]string
	if err := yaml.NewDecoder(bytes.NewReader(file), yaml.Strict()).Decode(&kinds); err != nil {
		return nil, fmt.Errorf("read the kinds of words: %w", err)
	}
	for kind, phrases := range kinds {
		if kind == "" || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz") != "" {
			return nil, fmt.Errorf("read the kinds of words: name %q is not of lower-case letters", kind)
		}
		for _, p := range phrases {
			if p == "" || p != foldPhrase(p) || strings.ContainsAny(p, "<>") || strings.Contains(p, " ... ") {
				return nil, fmt.Errorf("read the kinds of words: %s: phrase %q is not folded, or holds a gap or another kind", kind, p)
			}
		}
	}
	return kinds, nil
}

// kindOf returns the kind of word that a part of a phrase stands for: "account" for "<account>".
func kindOf(part string) (kind string, ok bool) {
	if len(part) < 3 || part[0] != '<' || part[len(part)-1] != '>' {
		return "", false
	}
	return part[1 : len(part)-1], true
}

// hasKinds reports whether a phrase is the grammar's: whether it names kinds of words instead of words alone.
func hasKinds(phrase string) bool {
	for part := range strings.SplitSeq(phrase, " ... ") {
		if _, ok := kindOf(part); ok {
			return true
		}
	}
	return false
}

// checkKinds reports a kind of word that the vocabulary does not have.
func checkKinds(phrase string) error {
	kinds, err := vocabulary()
	if err != nil {
		return err
	}
	for part := range strings.SplitSeq(phrase, " ... ") {
		if kind, ok := kindOf(part); ok && kinds[kind] == nil {
			return fmt.Errorf("phrase %q names the kind of word %q, which the vocabulary does not have", phrase, kind)
		}
	}
	return nil
}

// find returns the first place at or after from where a part of a phrase stands in text, which is f's own or a piece of
// it, or -1, -1. Of a kind's words the first in the text counts, and of those that begin there the longest.
func (f *folded) find(text string, from int, part string) (start, end int) {
	kind, ok := kindOf(part)
	if !ok {
		return find(text, from, part)
	}
	start, end = -1, -1
	for _, word := range f.words(kind) {
		if s, e := find(text, from, word); s >= 0 && (start < 0 || s < start || s == start && e > end) {
			start, end = s, e
		}
	}
	return start, end
}

// words returns a kind's words that may stand in the reply. Most kinds are asked for by several rules.
func (f *folded) words(kind string) []string {
	if words, ok := f.kinds[kind]; ok {
		return words
	}
	var words []string
	kinds, _ := vocabulary() // checked when the rule was read
	for _, word := range kinds[kind] {
		if head, _, _ := strings.Cut(word, "*"); strings.Contains(f.text, head) {
			words = append(words, word)
		}
	}
	if f.kinds == nil {
		f.kinds = make(map[string][]string)
	}
	f.kinds[kind] = words
	return words
}

// endsSentence reports whether a sentence ends within text. The dot of "TLS 1.0" ends none.
func endsSentence(text string) bool {
	for _, end := range []string{". ", "; ", "! ", "? ", "。", "；"} {
		if strings.Contains(text, end) {
			return true
		}
	}
	return false
}
