package providers_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"mailaudit/providers"
)

func TestParseReply(t *testing.T) {
	refused := providers.Reply{Stage: providers.StageAuth, Code: 535, Enhanced: "5.7.8", Text: "Username and Password not accepted. Learn more"}
	tests := map[string]struct {
		stage providers.Stage
		wire  string
		want  providers.Reply
	}{
		"lines":                 {"auth", "535-5.7.8 Username and Password not\r\n535 5.7.8  accepted. Learn more\r\n", refused},
		"codes lost":            {"auth", "535 5.7.8 Username and Password not\naccepted. Learn more", refused},
		"enhanced code alone":   {"auth", "535 5.7.8 Username and Password not\n5.7.8 accepted. Learn more", refused},
		"no last line":          {"auth", "535-5.7.8 Username and Password not accepted. Learn more", refused},
		"bare carriage returns": {"auth", "535-5.7.8 Username and Password not\r535 5.7.8 accepted. Learn more", refused},
		"control bytes":         {"auth", "535 5.7.8 Username \x00and \x1b[31mPassword\t not accepted. \u202eLearn more\x7f", providers.Reply{Stage: "auth", Code: 535, Enhanced: "5.7.8", Text: "Username and [31mPassword not accepted. Learn more"}},
		"another code":          {"auth", "535 one\n421 two", providers.Reply{Stage: "auth", Code: 535, Text: "one 421 two"}},
		"code alone":            {"auth", "535", providers.Reply{Stage: "auth", Code: 535}},
		"qmail":                 {"auth", "535 authorization failed (#5.7.0)", providers.Reply{Stage: "auth", Code: 535, Enhanced: "5.7.0", Text: "authorization failed"}},
		"no enhanced code":      {"auth", "535 Incorrect authentication data", providers.Reply{Stage: "auth", Code: 535, Text: "Incorrect authentication data"}},
		"three digits":          {"auth", "535 5.7.139 Authentication unsuccessful", providers.Reply{Stage: "auth", Code: 535, Enhanced: "5.7.139", Text: "Authentication unsuccessful"}},
		"an address, no code":   {"greeting", "554 5.7.1.9 is listed", providers.Reply{Stage: "greeting", Code: 554, Text: "5.7.1.9 is listed"}},
		"no code at all":        {"greeting", "SSH-2.0-OpenSSH_9.9", providers.Reply{Stage: "greeting", Text: "SSH-2.0-OpenSSH_9.9"}},
		"nothing":               {"auth", "", providers.Reply{Stage: "auth"}},
		"capabilities":          {"ehlo", "250-mx.example.org Hello\n250-SIZE 1000\n250 AUTH PLAIN LOGIN", providers.Reply{Stage: "ehlo", Code: 250, Text: "mx.example.org Hello SIZE 1000 AUTH PLAIN LOGIN"}},
		"GBK":                   {"auth", "535 Error: \xc7\xeb\xca\xb9\xd3\xc3\xca\xda\xc8\xa8\xc2\xeb\xb5\xc7\xc2\xbc", providers.Reply{Stage: "auth", Code: 535, Text: "Error: 请使用授权码登录"}},
		"GBK read as Latin-1":   {"auth", "535 Error: ÇëÊ¹ÓÃÊÚÈ¨ÂëµÇÂ¼", providers.Reply{Stage: "auth", Code: 535, Text: "Error: 请使用授权码登录"}},
		"Latin-1":               {"auth", "535 Compte d\xe9sactiv\xe9", providers.Reply{Stage: "auth", Code: 535, Text: "Compte désactivé"}},
		"UTF-8":                 {"auth", "535 Compte désactivé", providers.Reply{Stage: "auth", Code: 535, Text: "Compte désactivé"}},
		"broken UTF-8":          {"auth", "535 failed \xe2\x82", providers.Reply{Stage: "auth", Code: 535, Text: "failed â‚"}},
		"challenge":             {"auth", "334 UGFzc3dvcmQ6", providers.Reply{Stage: "auth", Code: 334, Text: "UGFzc3dvcmQ6"}},
		"error challenge": {"auth", "334 eyJzdGF0dXMiOiI0MDAifQ==", providers.Reply{Stage: "auth", Code: 334,
			Text: "eyJzdGF0dXMiOiI0MDAifQ==", SASLError: `{"status":"400"}`}},
		"token": {"oauth_token", "400\n{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS70002: Error. AADSTS50126: Wrong\\r\\nTrace ID: x\",\"error_codes\":[70002,50126],\"suberror\":\"bad_token\"}",
			providers.Reply{Stage: "oauth_token", Code: 400, Text: "AADSTS70002: Error. AADSTS50126: Wrong Trace ID: x", OAuthError: "invalid_grant", OAuthSuberror: "bad_token", OAuthCodes: []int{70002, 50126}}},
		"token, numbers in the words": {"oauth_token", `400` + "\n" + `{"error":"invalid_grant","error_description":"AADSTS70002: Error. AADSTS50126: Wrong"}`,
			providers.Reply{Stage: "oauth_token", Code: 400, Text: "AADSTS70002: Error. AADSTS50126: Wrong", OAuthError: "invalid_grant", OAuthCodes: []int{70002, 50126}}},
		"token, cut off": {"oauth_token", `401` + "\n" + `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client \"sec`,
			providers.Reply{Stage: "oauth_token", Code: 401, Text: `AADSTS7000215: Invalid client "sec`, OAuthError: "invalid_client", OAuthCodes: []int{7000215}}},
		"token, status line": {"oauth_token", "HTTP/1.1 400 Bad Request\n{\"error\":\"invalid_grant\"}",
			providers.Reply{Stage: "oauth_token", Code: 400, OAuthError: "invalid_grant"}},
		"token, HTML": {"oauth_token", "502\n<html><head><style>p{}</style><title>502 Bad Gateway</title></head><p>nginx</p></html>",
			providers.Reply{Stage: "oauth_token", Code: 502, Text: "502 Bad Gateway nginx"}},
		"token, form": {"oauth_token", "400\nerror=invalid_grant&error_description=too+old",
			providers.Reply{Stage: "oauth_token", Code: 400, Text: "too old", OAuthError: "invalid_grant"}},
		"token, nested": {"oauth_token", "503\n{\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\",\"message\":\"later\"}}",
			providers.Reply{Stage: "oauth_token", Code: 503, Text: "later", OAuthError: "UNAVAILABLE"}},
		"token, success": {"oauth_token", "200\n{\"access_token\":\"canary-token\",\"refresh_token\":\"canary-refresh\"}",
			providers.Reply{Stage: "oauth_token", Code: 200, Text: "access token issued"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, providers.ParseReply(test.stage, test.wire)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEvidence(t *testing.T) {
	tests := map[string]struct {
		stage      providers.Stage
		wire, want string
	}{
		"help page stays": {"auth", "535-5.7.8 Username and Password not accepted. Learn more at\n535 5.7.8  https://support.google.com/mail/?p=BadCredentials g67sm1422389pfb.9 - gsmtp",
			"535 5.7.8 Username and Password not accepted. Learn more at https://support.google.com/mail/?p=BadCredentials"},
		"sign-in link goes": {"auth", "534-5.7.14 <https://accounts.google.com/signin/continue?sarp=1&scc=1&plt=AKgnsbuA-\n534-5.7.14 canaryB> Please log in via your web browser and\n534 5.7.14 then try again.",
			"534 5.7.14 https://accounts.google.com/ Please log in via your web browser and then try again."},
		"cut sign-in link goes": {"auth", "534-5.7.14 <https://accounts.google.com/ContinueSignIn?sarp=1&scc=1&plt=OTcanary", "534 5.7.14 https://accounts.google.com/"},
		"query goes":            {"auth", "535 See http://service.example.com/help?id=canary&user=owner%40example.org now", "535 See http://service.example.com/help now"},
		"server goes":           {"auth", "535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [PH7P220CA0132.NAMP220.PROD.OUTLOOK.COM 2024-11-11T21:51:32.927Z 08DD021D9EEB05BC]", "535 5.7.139 Authentication unsuccessful, basic authentication is disabled."},
		"cut server goes":       {"mail", "530 5.7.57 Client not authenticated to send mail. [US22278CA0034.US7P278.PROD.OUTLOOK.COM 2024-10-24", "530 5.7.57 Client not authenticated to send mail."},
		"address is masked":     {"auth", "535 Authentication Failed for owner.name@example.com, sorry", "535 Authentication Failed for ***@example.com, sorry"},
		"echo of AUTH goes":     {"auth", "535 authentication failed: AGNhbmFyeUBleGFtcGxlLmNvbQBjYW5hcnk= ok", "535 authentication failed: *** ok"},
		"a challenge goes":      {"auth", "334 PDEyMzQ1LjY3ODkwQGV4YW1wbGUub3JnPg==", "334"},
		"an error challenge":    {"auth", "334 eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=", `334 {"status":"400","schemes":"Bearer"}`},
		"traces go": {"oauth_token", "400\n{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS50057: The user account is disabled.\\r\\nTrace ID: b10c3263-8613-4979-ad46-63b2d4ac1501\\r\\nCorrelation ID: 42261255-6d20-45e1-b3d6-a5a12a21b980\\r\\nTimestamp: 2021-07-21 07:56:39Z\"}",
			"400 invalid_grant AADSTS50057: The user account is disabled."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := providers.ParseReply(test.stage, test.wire).Evidence(); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
	long := providers.ParseReply("auth", "535 "+strings.Repeat("é ", 600)).Evidence()
	if len(long) > providers.MaxEvidence || !utf8.ValidString(long) || !strings.HasSuffix(long, "…") {
		t.Errorf("a long reply gives %d bytes ending in %q", len(long), long[len(long)-4:])
	}
}

func TestWordingGroupsWhatVaries(t *testing.T) {
	groups := [][]string{
		{"535 5.9.9 Frobnication of owner@example.com failed at 10.0.0.7 [AB1.cd2.prod.example.com 2026-01-01T00:00:00Z 08DD]",
			"535-5.9.9 frobnication of someone.else@clinic.example failed\n535 5.9.9 at 192.0.2.77 [XX9.yy.prod.example.com 2027-02-02T01:01:01Z 99FF]"},
		{"550 No frobs for you, ticket 4711-ab12", "550 no frobs for you, ticket 0815-zz99"},
	}
	for _, group := range groups {
		first := providers.ParseReply("auth", group[0]).Wording()
		for _, wire := range group[1:] {
			if got := providers.ParseReply("auth", wire).Wording(); got != first {
				t.Errorf("%q and %q are two groups", first, got)
			}
		}
	}
	if a, b := providers.ParseReply("auth", "535 No frobs").Wording(), providers.ParseReply("auth", "535 No crabs").Wording(); a == b {
		t.Errorf("%q stands for two wordings", a)
	}
}

// A reply that quotes another is read by the one it quotes.
func TestQuotedReply(t *testing.T) {
	rules, err := providers.ParseRules("x", []byte(`
- {id: x/outer, stage: [mail], code: ["530"], class: misconfigured, source: test, seen: 2026}
- {id: x/inner, stage: [auth], code: ["535"], enhanced: ["5.7.139"], text: [switched off], class: auth_disabled, source: test, seen: 2026}
`))
	if err != nil {
		t.Fatal(err)
	}
	for wire, want := range map[string]string{
		"530 5.7.57 Client not authenticated. Error: 535 5.7.139 It is switched off.": "x/inner",
		"530 5.7.57 Client not authenticated. Error: 535 5.7.999 zzz":                 "x/outer",
		"530 5.7.57 Client not authenticated.":                                        "x/outer",
	} {
		if got := rules.Read(providers.ParseReply(providers.StageMail, wire)).Rule; got != want {
			t.Errorf("%q is read by %s, want %s", wire, got, want)
		}
	}
}
