package sim

import (
	"strings"
	"time"
)

// Step is a point of the conversation at which a mood shows.
type Step string

const (
	AtConnect   Step = "connect" // before the greeting, and before implicit TLS
	AtGreeting  Step = "greeting"
	AtEHLO      Step = "ehlo" // the first one in clear
	AtSTARTTLS  Step = "starttls"
	AtHandshake Step = "handshake"
	AtSecured   Step = "secured" // EHLO after TLS
	AtAuth      Step = "auth"    // the answer to the AUTH command, before any secret where it needs another step
	AtSecret    Step = "secret"  // the answer to the credential
	AtQuit      Step = "quit"
)

// Act is what a server does at a step in place of, or before, what it should. Use one of the functions
// below, or fill in what is wanted.
type Act struct {
	Wait    time.Duration // first
	Say     string        // a wire reply, lines parted by a line feed, in place of the proper one
	Raw     string        // bytes as they are, in place of the proper reply
	Endless string        // again and again, Wait apart, until the other side hangs up
	Drop    bool          // then close the connection
	Reset   bool          // or reset it
	Hang    bool          // or never say another word
	Broken  bool          // say half of the proper reply, then close
}

func (a Act) replaces() bool {
	return a.Say != "" || a.Raw != "" || a.Endless != "" || a.Drop || a.Reset || a.Hang
}

// Say answers with a reply of one's own and goes on.
func Say(wire string) Act { return Act{Say: wire} }

// SayAndDrop answers and hangs up.
func SayAndDrop(wire string) Act { return Act{Say: wire, Drop: true} }

// Drop closes the connection.
func Drop() Act { return Act{Drop: true} }

// Reset resets the connection.
func Reset() Act { return Act{Reset: true} }

// Hang never answers.
func Hang() Act { return Act{Hang: true} }

// Slow answers late.
func Slow(wait time.Duration) Act { return Act{Wait: wait} }

// HalfAReply breaks off in the middle of a line.
func HalfAReply() Act { return Act{Broken: true} }

// Garbage is not SMTP.
func Garbage() Act { return Act{Raw: "\x80\x02\x01HTTP/1.1 400 \xff\xfe\r\n\r\n<html>\r\n"} }

// ControlBytes answers with NUL and escape sequences in a refusal.
func ControlBytes() Act { return Act{Raw: "535 5.7.8 \x00no\x1b[2J\x1b]0;title\x07\r\n"} }

// LongLine is 4,000 characters a line that never ends.
func LongLine() Act { return Act{Raw: "535 5.7.8 ", Endless: strings.Repeat("x", 4000)} }

// EndlessReply is a multi-line reply without a last line.
func EndlessReply() Act { return Act{Endless: "535-5.7.8 and another thing\r\n"} }

// Dribble is a line that comes a byte at a time and never ends.
func Dribble(wait time.Duration) Act { return Act{Wait: wait, Endless: "5"} }

// Mood is how a server treats its clients. The zero value is a good day.
type Mood struct {
	At          map[Step]Act
	Latency     time.Duration // before each reply
	AuthLatency time.Duration // more before the answer to a credential

	Capacity         int // conversations at once; connections beyond it meet Over. 0: no limit
	ConnectionsUntil int // connections in all, until Over. 0: no limit
	Over             Act // default: the provider's own 421 at the greeting
	AuthsUntil       int // credentials in all, until the provider says TooMany. 0: no limit

	Certificate Certificate
	MaxTLS      uint16 // tls.VersionTLS11: an old server. 0: any
	NoSTARTTLS  bool
	// AuthBeforeTLS alone: AUTH is offered in clear and not after TLS.
	AuthBeforeTLS bool
	// Inject sends more bytes in clear right behind the answer to STARTTLS.
	Inject string
	// EchoSecret repeats in each answer what the client sent as its credential, in several forms.
	EchoSecret bool
	// PromptPlain overlooks the initial response of AUTH PLAIN and asks for it.
	PromptPlain bool
	// LoginPrompts are the texts of the prompts of LOGIN. Default "Username:", "Password:".
	LoginPrompts [2]string
	// ScramWork is how many iterations SCRAM asks for. Default: few.
	ScramWork int
	// ScramForged proves with SCRAM that the server does not know the password; ScramError has it tell a refusal
	// within the exchange first.
	ScramForged, ScramError bool
}
