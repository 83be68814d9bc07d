package notice_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	address  = regexp.MustCompile(`\S*\w\.\w\S*`) // web and mail addresses are clicked or copied, not read
	ends     = regexp.MustCompile(`[.!?:]+(\s|$)|\n\n|\n[-0-9]`)
	vowels   = regexp.MustCompile(`[aeiouy]+`)
	notALast = regexp.MustCompile(`[^aeioul]e$|[^td]ed$|[^aeiousxz]es$`)
)

// grade is the Flesch-Kincaid grade level: the years of school an American reader needs.
func grade(text string) float64 {
	text = address.ReplaceAllString(text, "this")
	var sentences, words, syllables float64
	for _, s := range ends.Split(text, -1) {
		any := false
		for _, w := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' }) {
			any = true
			words++
			syllables += float64(syllableCount(w))
		}
		if any {
			sentences++
		}
	}
	return 0.39*words/sentences + 11.8*syllables/words - 15.59
}

func syllableCount(word string) int {
	word = strings.ToLower(strings.TrimSuffix(word, "'s"))
	n := len(vowels.FindAllString(word, -1))
	if n > 1 && notALast.MatchString(word) {
		n--
	}
	return max(n, 1)
}

// TestGradeOfKnownTexts keeps the measure honest: the numbers are those that published calculators give
// within one grade.
func TestGradeOfKnownTexts(t *testing.T) {
	for _, c := range []struct {
		text     string
		min, max float64
	}{
		{"The cat sat on the mat. The dog ran to it.", -3, 1},
		{"Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in " +
			"liberty, and dedicated to the proposition that all men are created equal.", 12, 16},
		{"The administrator's authentication configuration necessitates comprehensive organizational verification.", 25, 60},
	} {
		if g := grade(c.text); g < c.min || g > c.max {
			t.Errorf("grade of %q is %.1f, want %v to %v", c.text, g, c.min, c.max)
		}
	}
}

func TestGuidesAreReadBySixthGraders(t *testing.T) {
	worst, where := 0.0, ""
	for _, c := range matrix() {
		if c.err != nil || !strings.HasPrefix(c.locale, "en") {
			continue // the measure is for English
		}
		g := grade(c.mail.Text)
		if g > 6 {
			t.Errorf("%v: grade %.1f", c, g)
		}
		if g > worst {
			worst, where = g, c.String()
		}
	}
	t.Logf("the hardest text is of grade %.1f: %s", worst, where)
}
