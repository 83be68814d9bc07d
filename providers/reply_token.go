package providers

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// tokenIssued stands in Reply.Text for the body of a success, which holds tokens and is never kept.
const tokenIssued = "access token issued"

var (
	reHTTPStatus = regexp.MustCompile(`^\s*(?:HTTP/[0-9.]+\s+)?([1-5][0-9][0-9])\b[^{<]*$`)
	reAADSTS     = regexp.MustCompile(`AADSTS([0-9]{4,9})\b`)
	reTag        = regexp.MustCompile(`(?s)<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>`)
	reTokenField = regexp.MustCompile(`"(error|suberror|error_description|message)"\s*:\s*"((?:[^"\\]|\\.)*)`)
	reTokenCodes = regexp.MustCompile(`"error_codes"\s*:\s*\[([0-9,\s]*)`)
	reHasToken   = regexp.MustCompile(`"access_token"\s*:\s*"`)
)

// parseTokenReply reads a token endpoint's answer: RFC 6749 section 5.2, with Microsoft's members beside it.
// Bodies that were cut off, that are HTML, or that are no JSON at all are read as far as they go.
func parseTokenReply(wire string) Reply {
	r := Reply{Stage: StageOAuthToken}
	first, body, _ := strings.Cut(wire, "\n")
	if m := reHTTPStatus.FindStringSubmatch(strings.TrimSpace(first)); m != nil {
		r.Code, _ = strconv.Atoi(m[1])
	} else {
		body = wire
	}
	var description string
	var codes []int
	if fields, ok := tokenFields(body); ok {
		r.OAuthError, r.OAuthSuberror, description, codes = fields.name, fields.suberror, fields.description, fields.codes
	}
	switch {
	case r.OAuthError == "" && reHasToken.MatchString(body):
		r.Text = tokenIssued
		return r
	case description != "":
		r.Text = cleanText(description)
	case r.OAuthError == "":
		r.Text = cleanText(reTag.ReplaceAllString(body, " "))
	}
	r.OAuthError = cleanText(r.OAuthError)
	r.OAuthSuberror = cleanText(r.OAuthSuberror)
	r.OAuthCodes = codes
	if r.Text == "" && len(codes) > 0 {
		r.Text = "AADSTS" + strconv.Itoa(codes[len(codes)-1]) // so that the reply is not one without words
	}
	if len(codes) == 0 {
		for _, m := range reAADSTS.FindAllStringSubmatch(r.Text, 8) {
			n, _ := strconv.Atoi(m[1])
			r.OAuthCodes = append(r.OAuthCodes, n)
		}
	}
	return r
}

type tokenError struct {
	name, suberror, description string
	codes                       []int
}

func tokenFields(body string) (tokenError, bool) {
	var e tokenError
	body = strings.TrimSpace(body)
	var object map[string]any
	switch {
	case json.Unmarshal([]byte(body), &object) == nil:
		e.name, _ = object["error"].(string)
		e.suberror, _ = object["suberror"].(string)
		e.description, _ = object["error_description"].(string)
		if e.description == "" {
			e.description = ownCode(object)
		}
		if inner, ok := object["error"].(map[string]any); ok {
			e.name, e.description = nestedError(inner)
		}
		if list, ok := object["error_codes"].([]any); ok {
			for _, v := range list {
				if n, ok := v.(float64); ok {
					e.codes = append(e.codes, int(n))
				}
			}
		}
	case strings.HasPrefix(body, "{"):
		for _, m := range reTokenField.FindAllStringSubmatch(body, 8) {
			value := unescape(m[2])
			switch m[1] {
			case "error":
				e.name = value
			case "suberror":
				e.suberror = value
			default:
				e.description = value
			}
		}
		if m := reTokenCodes.FindStringSubmatch(body); m != nil {
			for f := range strings.FieldsFuncSeq(m[1], func(c rune) bool { return c < '0' || c > '9' }) {
				if n, err := strconv.Atoi(f); err == nil {
					e.codes = append(e.codes, n)
				}
			}
		}
	case strings.HasPrefix(body, "error="):
		form, err := url.ParseQuery(body)
		if err != nil {
			return e, false
		}
		e.name, e.description = form.Get("error"), form.Get("error_description")
	default:
		return e, false
	}
	return e, true
}

// ownCode returns what a provider says in members of its own in the place of a description.
func ownCode(object map[string]any) string {
	for _, member := range []string{"code", "error_code", "error_subtype", "reason", "message"} {
		switch v := object[member].(type) {
		case string:
			return v
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
	}
	return ""
}

// nestedError reads an "error" member that is an object: Google's "status" or, in older APIs, the "reason" of
// its first cause; Yahoo's "errorId".
func nestedError(inner map[string]any) (name, description string) {
	description, _ = inner["message"].(string)
	if causes, ok := inner["errors"].([]any); ok && len(causes) > 0 {
		cause, _ := causes[0].(map[string]any)
		name, _ = cause["reason"].(string)
	}
	for _, member := range []string{"errorId", "status"} {
		if s, ok := inner[member].(string); ok {
			name = s
		}
	}
	return name, description
}

// unescape undoes JSON's escapes in a string that may have been cut off within one.
func unescape(s string) string {
	var out string
	if json.Unmarshal([]byte(`"`+s+`"`), &out) == nil {
		return out
	}
	return s
}
