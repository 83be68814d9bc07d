package providers

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// MaxEvidence is the most that [Reply.Evidence] returns, in bytes.
const MaxEvidence = 512

// reSignInURL is Google's way to a sign-in page of one user's own, folded over several lines. It is a
// credential of sorts and is cut wherever it stands, even where its end is missing.
var (
	reSignInURL = regexp.MustCompile(`(?i)<?https?://accounts\.google\.com/(?:signin/continue|continuesignin)[^>]*>?`)
	reToken     = regexp.MustCompile(`[A-Za-z0-9+/_=-]{20,}`)
	reVarying   = regexp.MustCompile(`\S*[0-9]\S*`)
)

// Evidence is the reply in the form in which it may be stored and shown: "535 5.7.8 text". Links that belong
// to one user, local parts of addresses, session ids, servers' names and whatever looks like a token are gone.
func (r Reply) Evidence() string {
	var parts []string
	if r.Code != 0 {
		parts = append(parts, strconv.Itoa(r.Code))
	}
	if r.Enhanced != "" {
		parts = append(parts, r.Enhanced)
	}
	if r.OAuthError != "" {
		parts = append(parts, shield(r.OAuthError))
	}
	if r.SASLError != "" {
		parts = append(parts, shield(r.SASLError))
	}
	if r.Text != "" && (r.Code != 334 || r.Worded()) { // a challenge is no one's business
		parts = append(parts, shield(r.Text))
	}
	return truncate(strings.Join(parts, " "), MaxEvidence)
}

func shield(text string) string {
	text = stripTrailers(text)
	text = reSignInURL.ReplaceAllString(text, "https://accounts.google.com/")
	text = reURL.ReplaceAllStringFunc(text, publicURL)
	text = reAddress.ReplaceAllStringFunc(text, func(a string) string { return "***" + a[strings.LastIndexByte(a, '@'):] })
	text = reToken.ReplaceAllStringFunc(text, func(t string) string {
		if looksRandom(t) {
			return "***"
		}
		return t
	})
	return cleanText(text)
}

// publicURL leaves of a link what is the same for everybody: no query but a help page's name.
func publicURL(link string) string {
	u, err := url.Parse(strings.Trim(link, "<>"))
	if err != nil || u.Host == "" {
		return ""
	}
	out := u.Scheme + "://" + u.Host + u.Path
	if m := reHelpWord.FindStringSubmatch(link); m != nil {
		out += "?p=" + m[1]
	}
	return out
}

func looksRandom(t string) bool {
	return strings.IndexFunc(t, unicode.IsDigit) >= 0 && strings.IndexFunc(t, unicode.IsLetter) >= 0 ||
		strings.ContainsAny(t, "+=")
}

// Wording is the form by which replies that no rule knows are counted together: what varies from one reply
// to the next is left out or is "#".
func (r Reply) Wording() string {
	parts := []string{strconv.Itoa(r.Code)}
	if r.Enhanced != "" {
		parts = append(parts, r.Enhanced)
	}
	if r.OAuthError != "" {
		parts = append(parts, strings.ToLower(r.OAuthError))
	}
	for _, c := range r.OAuthCodes {
		parts = append(parts, strconv.Itoa(c))
	}
	if r.Code == 334 {
		return strings.Join(append(parts, saslStatus(r.SASLError)), " ")
	}
	return truncate(strings.TrimSpace(strings.Join(append(parts, r.constantText()), " ")), 200)
}

// constantText is the folded text with "#" for what varies.
func (r Reply) constantText() string {
	text := reToken.ReplaceAllStringFunc(foldText(r), func(t string) string {
		if looksRandom(t) {
			return "#"
		}
		return t
	})
	return reVarying.ReplaceAllString(text, "#")
}

// Constant returns the stretches of the folded text in which nothing varies and no sentence ends, in their order.
func (r Reply) Constant() []string {
	var all []string
	for _, stretch := range strings.FieldsFunc(strings.ReplaceAll(r.constantText()+" ", ". ", "#"), func(c rune) bool {
		return strings.ContainsRune("#@^;!?()[]{}", c) || c == '*'
	}) {
		if stretch = strings.TrimSpace(stretch); stretch != "" {
			all = append(all, stretch)
		}
	}
	return all
}
