package providers

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// folded is a reply in the form in which rules compare it.
type folded struct {
	code string
	text string // lower case, single spaces, without what varies
	sasl string // the "status" of a 334 error challenge
}

// maxFolded bounds what the rules look at: no reply says what it means only after four thousand bytes.
const maxFolded = 4096

func fold(r Reply) folded {
	f := folded{code: strconv.Itoa(r.Code), text: foldText(r)}
	if r.SASLError != "" {
		f.sasl = saslStatus(r.SASLError)
	}
	return f
}

var (
	reRepeated = regexp.MustCompile(`\b[2-5][0-9][0-9][ -]([245]\.[0-9]{1,3}\.[0-9]{1,3})\b`)
	reURL      = regexp.MustCompile(`(?i)<?\b(?:https?://|www\.)[^\s<>"]*>?`)
	reHelpWord = regexp.MustCompile(`[?&]p=([A-Za-z]{3,40})\b`)
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
	text := r.Text
	if len(text) > maxFolded {
		text = text[:maxFolded]
	}
	text = stripTrailers(text)
	text = reRepeated.ReplaceAllString(text, " ")
	if r.Enhanced != "" {
		text = strings.ReplaceAll(text, " "+r.Enhanced+" ", " ")
	}
	text = reURL.ReplaceAllStringFunc(text, func(url string) string { return " " + helpWord(url) + " " })
	text = reAddress.ReplaceAllString(text, " @ ")
	text = reHost.ReplaceAllString(text, " ")
	text = reIP.ReplaceAllString(text, " ")
	return foldPhrase(strings.ReplaceAll(text, "\u2019", "'"))
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

// has finds a phrase on word boundaries. A "*" at the phrase's end lets the last word go on.
func (f *folded) has(phrase string) bool {
	phrase, open := strings.CutSuffix(phrase, "*")
	for from := 0; ; {
		i := strings.Index(f.text[from:], phrase)
		if i < 0 || phrase == "" {
			return false
		}
		start, end := from+i, from+i+len(phrase)
		if (start == 0 || !isWord(f.text[start-1]) || !isWord(phrase[0])) &&
			(open || end == len(f.text) || !isWord(f.text[end]) || !isWord(phrase[len(phrase)-1])) {
			return true
		}
		from = start + 1
	}
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
