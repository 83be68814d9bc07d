package sim

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Answer is what a provider has to say to a credential.
type Answer string

const (
	Accepted         Answer = "accepted"
	Refused          Answer = "refused"
	NeedsAppPassword Answer = "needs-app-password"
	NeedsBrowser     Answer = "needs-browser"
	NeedsMFA         Answer = "needs-mfa"
	Disabled         Answer = "disabled"
	Blocked          Answer = "blocked"
	TooMany          Answer = "too-many"
	Unavailable      Answer = "unavailable"
)

// Persona is how one provider speaks. Texts are wire replies, lines parted by a line feed; {id}, {host},
// {date} and {server} are filled in anew for each reply.
type Persona struct {
	Name         string   // the provider's name, or a kind of software
	Hosts        []string // names in its certificate; the first greets
	Greeting     string
	Clear        string // the reply to EHLO before TLS
	Secured      string // and after
	Replies      map[Answer]string
	NoMechanism  string // the reply to AUTH with a mechanism that is not offered
	PlainPrompt  string // the text of the 334 to AUTH PLAIN without initial response
	CloseRefused bool   // hangs up after the first refusal

	TokenChallenge string // the error challenge to an access token that is not taken; "": there is none
	TokenRefused   string // and the final reply; "": that of Refused

	// Judge decides on a secret for an account in state OK.
	Judge func(a Account, secret string) Answer
}

// Personas lists all.
func Personas() []Persona {
	return []Persona{Google(), Outlook(), Microsoft365(), Yahoo(), AOL(), ATT(), Apple(), Zoho(), Fastmail(), Dovecot(), CPanel()}
}

// mechanisms that are offered after TLS.
func (p Persona) offers(mechanism string) bool {
	for line := range strings.SplitSeq(p.Secured, "\n") {
		if words := strings.Fields(line[min(4, len(line)):]); len(words) > 0 && words[0] == "AUTH" {
			return slices.Contains(words[1:], mechanism)
		}
	}
	return false
}

func (p Persona) answer(a Account, known bool, secret string) Answer {
	if !known {
		return p.Judge(Account{}, secret)
	}
	if answer := a.State.answer(); answer != "" {
		return answer
	}
	return p.Judge(a, secret)
}

// Says gives what the provider says to a secret, without a wire: its answer and the reply as it would be sent. number
// tells the reply from others.
func (p Persona) Says(a Account, known bool, secret string, number int64, now time.Time) (Answer, string) {
	answer := p.answer(a, known, secret)
	return answer, p.Wire(answer, number, now)
}

// Wire is the reply for an answer.
func (p Persona) Wire(a Answer, number int64, now time.Time) string {
	return p.fill(p.reply(a), number, now)
}

// answer is what a provider says to whatever credential of an account in this state; "" for OK.
func (s State) answer() Answer {
	switch s {
	case Locked:
		return Blocked
	case SMTPAuthDisabled:
		return Disabled
	case BrowserSignIn:
		return NeedsBrowser
	case MFADemanded:
		return NeedsMFA
	case RateLimited:
		return TooMany
	case BackendDown:
		return Unavailable
	}
	return ""
}

// reply is the wire text for an answer. A provider that has no words for it refuses plainly, as they do.
func (p Persona) reply(a Answer) string {
	if text, ok := p.Replies[a]; ok {
		return text
	}
	return p.Replies[Refused]
}

// fill puts the parts into a text that vary from reply to reply; number tells the reply from others.
func (p Persona) fill(text string, number int64, now time.Time) string {
	if !strings.Contains(text, "{") {
		return text
	}
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(p.Name), uint64(number)))
	letters := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))
	return strings.NewReplacer(
		"{host}", p.Hosts[0],
		"{date}", now.UTC().Format("2006-01-02T15:04:05.000Z"),
		"{id}", letters[:1]+fmt.Sprint(binary.BigEndian.Uint16(sum[:]))+letters[1:11]+".42",
		"{hex}", fmt.Sprintf("08DE%012X", binary.BigEndian.Uint64(sum[8:])>>16),
		"{server}", strings.ToUpper(letters[:2]+"4PR"+letters[2:4])+"0101CA0042."+strings.ToUpper(letters[4:8])+"P101.PROD.OUTLOOK.COM",
	).Replace(text)
}

// is compares secrets as providers that show an app password in groups do: white space is display.
func is(stored, secret string) bool {
	return stored != "" && squeeze(stored) == squeeze(secret)
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

func appPassword(a Account, secret string) bool {
	return slices.ContainsFunc(a.AppPasswords, func(p string) bool { return is(p, secret) })
}

// appPasswordOnly judges as Yahoo, AOL, Fastmail and Apple do: nothing but an app password opens.
func appPasswordOnly(a Account, secret string) Answer {
	if appPassword(a, secret) {
		return Accepted
	}
	return Refused
}

func ordinaryOnly(a Account, secret string) Answer {
	if a.Password != "" && a.Password == secret {
		return Accepted
	}
	return Refused
}
