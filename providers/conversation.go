package providers

import (
	"context"
	"net/netip"
	"slices"
	"time"
)

// Stage is the point of the conversation at which a reply came.
type Stage string

const (
	StageGreeting   Stage = "greeting"
	StageEHLO       Stage = "ehlo"
	StageSTARTTLS   Stage = "starttls"
	StageAuth       Stage = "auth"
	StageOAuthToken Stage = "oauth_token" // the token endpoint: Code is the HTTP status
	StageMail       Stage = "mail"        // MAIL, RCPT or DATA: what a relay meets when a notice is sent
)

var stages = []Stage{StageGreeting, StageEHLO, StageSTARTTLS, StageAuth, StageOAuthToken, StageMail}

// Valid reports whether s is a stage at all.
func (s Stage) Valid() bool { return slices.Contains(stages, s) }

// Reply is one answer of a server, without the form it came in.
type Reply struct {
	Stage    Stage
	Code     int    // SMTP code or HTTP status; 0 if the answer had none
	Enhanced string // "5.7.8", RFC 3463; "" if absent
	Text     string // the lines' texts without codes, joined by a space; valid UTF-8 without control characters

	OAuthError    string // the "error" member of a token endpoint's answer, RFC 6749 section 5.2
	OAuthSuberror string // Microsoft's "suberror"
	OAuthCodes    []int  // Microsoft's "error_codes", else the leading AADSTS number of the description
	SASLError     string // the decoded JSON of a 334 error challenge, RFC 7628 section 3.2.2

	Token bool // the answer to an access token that had just been issued, not to a password
}

// Fault is why a conversation ended without a reply that decides.
type Fault string

const (
	FaultNone           Fault = ""
	FaultNoSuchHost     Fault = "no_such_host"    // NXDOMAIN by an authoritative answer
	FaultDNS            Fault = "dns"             // any other failure of the name service
	FaultAddressRefused Fault = "address_refused" // loopback, private or link-local, and not allowed; or ruled out by the operator, as its port may be
	FaultConnect        Fault = "connect"         // refused, reset or unreachable before the greeting
	FaultTimeout        Fault = "timeout"
	FaultDropped        Fault = "dropped"       // closed in mid-conversation
	FaultProtocol       Fault = "protocol"      // what came was not SMTP, or passed the byte or line budget
	FaultTLSName        Fault = "tls_name"      // a valid certificate for another name
	FaultTLSUntrusted   Fault = "tls_untrusted" // unknown authority, expired, or not yet valid
	FaultTLS            Fault = "tls"           // any other failure of the handshake
	FaultNoSTARTTLS     Fault = "no_starttls"
	FaultNoMechanism    Fault = "no_mechanism" // no mechanism in common after TLS
	FaultUnspoken       Fault = "unspoken"     // the server takes passwords, but by no mechanism that we speak
	FaultCancelled      Fault = "cancelled"    // we gave up
	FaultOurs           Fault = "ours"         // our own trouble: proxy, OAuth client settings, a bug
)

// Security is how a connection gets its TLS.
type Security string

const (
	ImplicitTLS Security = "tls"
	STARTTLS    Security = "starttls"
)

// Endpoint is a mail server's address.
type Endpoint struct {
	Host     string
	Port     int
	Security Security
}

// Mechanism is a SASL mechanism by its registered name.
type Mechanism string

const (
	Plain       Mechanism = "PLAIN"
	Login       Mechanism = "LOGIN"
	XOAuth2     Mechanism = "XOAUTH2"
	OAuthBearer Mechanism = "OAUTHBEARER"
	ScramSHA256 Mechanism = "SCRAM-SHA-256"
	ScramSHA1   Mechanism = "SCRAM-SHA-1"
)

// Attempt is one conversation to be held.
type Attempt struct {
	Endpoint   Endpoint
	Mechanisms []Mechanism // those that the provider bears, best first; the first that the server offers is used
	Login      string
	Secret     Secret
	Grant      *Grant    // by OAuth: Secret is a refresh token, and Mechanisms are those for access tokens
	StartBy    time.Time // whoever paces gives up if it has not begun by then; zero: no limit
}

// Line is one line of a dialogue for people to read, secrets removed.
type Line struct {
	FromServer bool
	Text       string
}

// Conversation is what came of an attempt. Exactly one of Reply and Fault decides: Fault is FaultNone
// where a reply was given.
type Conversation struct {
	Endpoint       Endpoint
	Reply          Reply
	Fault          Fault
	Detail         string        // for people: what the fault was, in words; never a secret
	Stage          Stage         // how far the conversation came
	CredentialSent bool          // any byte of the credential left us: the attempt counts
	RetryAfter     time.Duration // for so long the server asked us to stay away; 0: it did not say
	Mechanism      Mechanism
	Offered        []Mechanism
	Connected      bool       // a server, or who stands before it, took the connection
	LocalAddr      netip.Addr // the address we left by
	RemoteAddr     netip.Addr // the one that was dialled, whether it answered or not
	TLSVersion     string
	Resumed        bool // the TLS session was resumed
	Dialogue       []Line
	StartedAt      time.Time
	Took           time.Duration
}

// VerifyFunc holds one conversation. It returns when ctx ends. What the server said, and what kept it
// from saying anything, are results, never errors.
type VerifyFunc func(ctx context.Context, a Attempt) Conversation
