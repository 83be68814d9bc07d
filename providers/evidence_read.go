package providers

import (
	"regexp"
	"strconv"
	"strings"
)

var reEvidenceToken = regexp.MustCompile(`^([1-5][0-9][0-9])(?: ([a-z]+_[a-z_]+))?(?: (.*))?$`)

// ParseEvidence reads what [Reply.Evidence] has left of a reply, as far as it goes: a suberror, numbers beside the text,
// and what follows after [MaxEvidence] bytes are lost.
func ParseEvidence(stage Stage, kept string) Reply {
	if stage != StageOAuthToken {
		if challenge, ok := strings.CutPrefix(kept, "334 "); ok && strings.HasPrefix(challenge, "{") {
			return Reply{Stage: stage, Code: 334, SASLError: challenge}
		}
		return ParseReply(stage, kept)
	}
	m := reEvidenceToken.FindStringSubmatch(kept)
	if m == nil {
		return Reply{Stage: stage, Text: kept}
	}
	r := Reply{Stage: stage, OAuthError: m[2], Text: m[3]}
	r.Code, _ = strconv.Atoi(m[1])
	for _, n := range reAADSTS.FindAllStringSubmatch(m[3], -1) {
		code, _ := strconv.Atoi(n[1])
		r.OAuthCodes = append(r.OAuthCodes, code)
	}
	return r
}

// StagesOf lists the stages at which a reply may have been given of which only the evidence is kept, the likeliest first.
func StagesOf(kept string) []Stage {
	smtp := []Stage{StageAuth, StageGreeting, StageEHLO, StageSTARTTLS}
	m := reEvidenceToken.FindStringSubmatch(kept)
	if m == nil {
		return append(smtp, StageOAuthToken)
	}
	switch {
	case m[2] != "", strings.HasPrefix(m[1], "40"), m[1] == "429", m[1] == "200": // no code of SMTP, or a name of OAuth's
		return append([]Stage{StageOAuthToken}, smtp...)
	}
	return append(smtp, StageOAuthToken)
}
