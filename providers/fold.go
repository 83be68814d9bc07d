package providers

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// folded is a reply in the form in which rules compare it.
type folded struct {
	code string
	text string // lower case, single spaces, without what varies
	sasl string // the "status" of a 334 error challenge

	kinds map[string][]string // of each kind of word asked for so far, those that may stand in text
}

// refusalCode stands for the code of a refusal that came under a 334: a 5xx that says nothing by itself.
const refusalCode = "554"

// maxFolded bounds what the rules look at: no reply says what it means only after four thousand bytes.
const maxFolded = 4096

func fold(r Reply) folded {
	f := folded{code: strconv.Itoa(r.Code), text: foldText(r)}
	if r.Worded() {
		f.code = refusalCode
	}
	if r.SASLError != "" {
		f.sasl = saslStatus(r.SASLError)
	}
	return f
}

var (
	reRepeated = regexp.MustCompile(`\b[2-5][0-9][0-9][ -]([245]\.[0-9]{1,3}\.[0-9]{1,3})\b`)
	reURL      = regexp.MustCompile(`(?i)<?\b(?:https?://|www\.)[^\s<>"]*>?`)
	reHelpWord = regexp.MustCompile(`(?i)[?&]p=([a-z]{3,40})\b`)
	reAddress  = regexp.MustCompile(`[^\s<>()\[\]:;,"'=]+@[^\s<>()\[\]:;,"'@]*`)
	reHost     = regexp.MustCompile(`(?i)\b(?:[a-z0-9_-]+\.){2,}[a-z][a-z0-9-]*[a-z0-9]\b\.?|\b[a-z0-9_-]+\.(?:com|net|org|edu|gov)\b`)
	reIP       = regexp.MustCompile(`(?i)\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b|\b[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){3,7}\b`)
	reTrailer  = regexp.MustCompile(`(?i)\s*\[(?:hostname=)?[a-z0-9-]+(?:\.[a-z0-9-]+){2,}[^\]]*\]?`)
	reGSMTP    = regexp.MustCompile(`(?i)\s+\S+\s+-\s+gsmtp\s*$`)
	reTrace    = regexp.MustCompile(`(?i)\s*\b(?:trace id|correlation id|timestamp):\s*[0-9a-f-]{8,}(?:[ T][0-9:.]+Z?)?`)
	reSpace    = regexp.MustCompile(`\s+`)
)

// foldText gives the text that rules search: what varies from reply to reply is gone, a help page is left by
// its name alone ("?p=BadCredentials" is "p=badcredentials").
func foldText(r Reply) string {
	text := truncate(r.Text, maxFolded)
	if !strings.ContainsFunc(text, isSign) {
		return foldPhrase(text) // as "Accepted", the reply of most accounts: nothing in it varies
	}
	return foldSigns(text, r)
}

// isSign tells what is neither of a word nor between words. Whatever varies in a reply has one.
func isSign(c rune) bool { return c != ' ' && !unicode.IsLetter(c) }

func foldSigns(text string, r Reply) string {
	text = reSignInURL.ReplaceAllString(stripTrailers(text), " ")
	text = withoutCodes(text, r)
	text = reURL.ReplaceAllStringFunc(text, func(url string) string { return " " + helpWord(url) + " " })
	text = reAddress.ReplaceAllString(text, " @ ")
	text = reHost.ReplaceAllString(text, " ")
	text = reIP.ReplaceAllString(text, " ^ ")
	return foldPhrase(strings.ReplaceAll(text, "\u2019", "'"))
}

// withoutCodes removes the reply's own codes from within its text, where clients leave them that join lines.
func withoutCodes(text string, r Reply) string {
	text = reRepeated.ReplaceAllString(text, " ")
	if r.Enhanced != "" {
		text = strings.ReplaceAll(text, " "+r.Enhanced+" ", " ")
	}
	if code := strconv.Itoa(r.Code); r.Code != 0 {
		text = strings.ReplaceAll(text, " "+code+" ", " ")
		text = strings.ReplaceAll(text, " "+code+"-", " ")
	}
	return text
}

// stripTrailers removes what servers hang on for their own operators: host, session id, date.
func stripTrailers(text string) string {
	text = reTrailer.ReplaceAllString(text, "")
	text = reGSMTP.ReplaceAllString(text, "")
	return reTrace.ReplaceAllString(text, "")
}

func helpWord(url string) string {
	m := reHelpWord.FindStringSubmatch(url)
	if m == nil {
		return ""
	}
	return "p=" + m[1]
}

func foldPhrase(s string) string {
	return strings.ToLower(strings.TrimSpace(reSpace.ReplaceAllString(s, " ")))
}

// has finds a phrase on word boundaries. A word of the phrase that ends in "*" may go on; " ... " stands for up
// to four words of any kind; "<account>" for any word of that kind in words.yaml, and then a gap ends with the
// sentence.
func (f *folded) has(phrase string) bool {
	first, rest, gapped := strings.Cut(phrase, " ... ")
	sentence := gapped && hasKinds(phrase)
	for from := 0; ; {
		_, end := f.find(f.text, from, first)
		if end < 0 {
			return false
		}
		if !gapped || f.follows(f.text[end:], rest, sentence) {
			return true
		}
		from = end
	}
}

// maxGap is how many words " ... " stands for at most.
const maxGap = 4

// follows reports whether a phrase begins in text after no more words than a gap takes, and in the same sentence if
// that matters.
func (f *folded) follows(text, phrase string, sentence bool) bool {
	first, rest, gapped := strings.Cut(phrase, " ... ")
	for from := 0; ; {
		start, end := f.find(text, from, first)
		if start < 0 || strings.Count(text[:start], " ") > maxGap+1 || sentence && endsSentence(text[:start]) {
			return false
		}
		if !gapped || f.follows(text[end:], rest, sentence) {
			return true
		}
		from = end
	}
}

// find returns the first place at or after from where phrase stands on word boundaries, or -1, -1. A phrase
// has no gap here.
func find(text string, from int, phrase string) (start, end int) {
	head, _, _ := strings.Cut(phrase, "*")
	for head != "" && from <= len(text) {
		i := strings.Index(text[from:], head)
		if i < 0 {
			break
		}
		start = from + i
		if start == 0 || !isWord(text[start-1]) || !isWord(head[0]) {
			if end := matchAt(text, start, phrase); end >= 0 {
				return start, end
			}
		}
		from = start + 1
	}
	return -1, -1
}

// matchAt returns where phrase ends if it stands at start and ends on a word boundary, else -1.
func matchAt(text string, start int, phrase string) int {
	head, tail, open := strings.Cut(phrase, "*")
	if !strings.HasPrefix(text[start:], head) {
		return -1
	}
	end := start + len(head)
	if open {
		for end < len(text) && isWord(text[end]) {
			end++
		}
	} else if end < len(text) && head != "" && isWord(text[end]) && isWord(text[end-1]) {
		return -1
	}
	if tail == "" {
		return end
	}
	return matchAt(text, end, tail)
}

// isWord knows ASCII alone: in languages written without spaces there are no boundaries to ask for.
func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
}

// saslStatus gives the "status" member of an error challenge, which servers write as text or as a number.
func saslStatus(challenge string) string {
	var v struct {
		Status any `json:"status"`
		Error  any `json:"error"`
	}
	if json.Unmarshal([]byte(challenge), &v) != nil {
		return ""
	}
	for _, s := range []any{v.Status, v.Error} {
		if s != nil {
			return strings.ToLower(fmt.Sprint(s))
		}
	}
	return ""
}
