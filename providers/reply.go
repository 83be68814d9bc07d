package providers

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// maxText bounds Reply.Text; what a server adds beyond it is not read.
const maxText = 8 << 10

var (
	reCode       = regexp.MustCompile(`^\s*([2-5][0-9][0-9])(?:[ \-\t:]|$)`)
	reEnhanced   = regexp.MustCompile(`^\s*#?([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[\s:;]+|$)`)
	reQmail      = regexp.MustCompile(`\s*\(#([245]\.[0-9]{1,3}\.[0-9]{1,3})\)`)
	reQuoted     = regexp.MustCompile(`(?i)(?:\b(?:error|said|response|reply|reason|answered|returned):?\s+|\()([45][0-9][0-9])[ -]([45]\.[0-9]{1,3}\.[0-9]{1,3})[ :]+(\S.*)$`)
	reLineBreaks = regexp.MustCompile(`\r\n|\n|\r`)
)

// ParseReply reads a reply as it came over the wire, lines separated by CRLF or LF. It also takes the forms
// in which clients hand replies on: later lines without their code (net/textproto) or with the enhanced code
// alone, a first line alone, the enhanced code in brackets at the end (qmail). For [StageOAuthToken] the first
// line is the HTTP status and the rest the body. Any bytes give a Reply.
func ParseReply(stage Stage, wire string) Reply {
	wire = decodeText(wire)
	if stage == StageOAuthToken {
		return parseTokenReply(wire)
	}
	r := Reply{Stage: stage}
	var texts []string
	for _, line := range reLineBreaks.Split(wire, -1) {
		if m := reCode.FindStringSubmatch(line); m != nil {
			if code, _ := strconv.Atoi(m[1]); r.Code == 0 || r.Code == code {
				r.Code = code
				line = line[len(m[0]):]
			}
		}
		if m := reEnhanced.FindStringSubmatch(line); m != nil && (r.Enhanced == "" || r.Enhanced == m[1]) {
			r.Enhanced = m[1]
			line = line[len(m[0]):]
		}
		texts = append(texts, line)
	}
	r.Text = cleanText(strings.Join(texts, " "))
	if m := reQmail.FindStringSubmatch(r.Text); m != nil && r.Enhanced == "" {
		r.Enhanced = m[1]
		r.Text = strings.TrimSpace(strings.Replace(r.Text, m[0], "", 1))
	}
	if r.Code == 334 {
		r.SASLError = challengeError(r.Text)
	}
	return r
}

// Worded reports whether a 334 carries words instead of a challenge: Stalwart's "334 5.7.8 Missing TOTP token" is
// a refusal. Challenges are base64, and prompts that are not are a word or two ("User Name:").
func (r Reply) Worded() bool {
	return r.Code == 334 && r.SASLError == "" && !strings.HasSuffix(r.Text, ":") &&
		(r.Enhanced != "" || strings.ContainsFunc(r.Text, func(c rune) bool { return c == ' ' || c > unicode.MaxASCII }))
}

// quoted returns the reply that is quoted within this one, as Exchange does when a client goes on after a
// refused AUTH: "530 5.7.57 Client not authenticated to send mail. Error: 535 5.7.139 ...".
func (r Reply) quoted() (Reply, bool) {
	m := reQuoted.FindStringSubmatch(r.withoutRepeats())
	if m == nil || r.Stage == StageOAuthToken {
		return Reply{}, false
	}
	inner := Reply{Stage: r.Stage, Enhanced: m[2], Text: m[3]}
	inner.Code, _ = strconv.Atoi(m[1])
	if inner.Code == r.Code && inner.Enhanced == r.Enhanced { // a client joined lines that each began so
		return Reply{}, false
	}
	switch inner.Code {
	case 432, 454, 534, 535, 538: // only AUTH is answered so, RFC 4954 section 6
		inner.Stage = StageAuth
	}
	return inner, true
}

// withoutRepeats returns the text without the reply's own codes, which stand within it where a client joined lines.
func (r Reply) withoutRepeats() string {
	code := strconv.Itoa(r.Code)
	if r.Enhanced == "" {
		return strings.ReplaceAll(r.Text, " "+code+"-", " ")
	}
	return strings.NewReplacer(" "+code+"-"+r.Enhanced+" ", " ", " "+code+" "+r.Enhanced+" ", " ").Replace(r.Text)
}

// challengeError decodes a 334 payload and returns it if it is a JSON object: the error of XOAUTH2 and
// OAUTHBEARER. Other payloads are prompts or challenges.
func challengeError(payload string) string {
	payload = strings.TrimSpace(payload)
	raw, err := base64.StdEncoding.DecodeString(payload)
	if err != nil {
		raw, err = base64.RawStdEncoding.DecodeString(payload)
	}
	var object map[string]any
	if err != nil || json.Unmarshal(raw, &object) != nil {
		return ""
	}
	return cleanText(string(raw))
}
