package audit

import (
	"time"

	"mailaudit/providers"
)

// Result is what one run found of one account.
type Result struct {
	AccountID  string
	RunKey     string
	TenantID   string
	TenantName string
	Address    string
	Provider   string
	Brand      string
	Host       string `json:",omitempty"` // of an account of [Undecided], whose hosts have nothing to do with each other

	Judgement
	Class   providers.Class
	Rule    string // the rule that read the reply; "" where none knew it
	Reply   string // evidence, without what is personal or varies; "" where no server spoke
	Reason  string // for people: why the account is unverified, or what failed on the way
	Wording string // the normal form of a reply that no rule knows
	Carried bool   // not asked tonight; the verdict of an earlier night stands
	Traffic bool   `json:",omitempty"` // not asked tonight; the product has sent mail by the credential, see [decide.ByTraffic]
	Held    bool   `json:"-"`          // a guard holds the provider's notices: the verdict is settled, and no mail leaves on it

	Fingerprint string // keyed, of the account and the opened secret; "" if it was not opened
	// AcceptedFingerprint is the state's own, where a released version stored it in another form; else "".
	AcceptedFingerprint string `json:",omitempty"`
	Binding             string `json:",omitempty"` // of the secret to where it went, see [State.Binding]
	Mechanism           string
	LocalAddr           string // the address we left by
	Try                 int    // 1 or 2
	Retry               bool   // a second try tonight may help
	At                  time.Time
	Took                time.Duration
}

// Heard is when the provider itself said something of the account; zero where it was not asked, or nothing can be said.
func (r Result) Heard() time.Time {
	if r.Carried || r.Traffic || r.Verdict == Unverified {
		return time.Time{}
	}
	return r.At
}

// Silent reports whether the provider gave no answer: it could not be reached, or asked us to wait. A certificate that
// cannot be trusted is an answer.
func (r Result) Silent() bool {
	return r.Verdict == Unverified && !providers.Answered(r.Rule) && (r.Class == providers.Throttled || r.Class == providers.Temporary)
}

// Mute reports whether the server said nothing of the account: it was silent, or showed a certificate that cannot be trusted.
func (r Result) Mute() bool {
	return r.Silent() || r.Verdict == Unverified && providers.Answered(r.Rule)
}

// Settled is what holds of an account after its last conclusive night.
type Settled struct {
	Verdict   Verdict // "" before the first conclusive night
	TwoFactor providers.TwoFactor
	Certainty providers.Certainty
	Actor     providers.Actor
	Since     time.Time // start of the first run in a row with Verdict
	Rule      string
	Reply     string
	Reason    string
	Attested  Attested
	Nights    int       // conclusive nights in a row with Verdict, at least 20 hours apart
	NightAt   time.Time // start of the run that was counted last
}

// Told is what the customer knows of the present finding.
type Told struct {
	Step     int       // mails sent: 0 none, 1 the first notice, 2 and more reminders
	Verdict  Verdict   // what the last mail said
	FirstAt  time.Time // when the first notice of this finding was sent
	At       time.Time // when the last one was
	NoticeID int64     // the first notice: reminders stand in its thread
	Shadow   bool      // it was told in shadow mode, so in truth it was not
}

// State is what the program remembers of one account.
type State struct {
	AccountID  string
	FormerID   string // the id that the account bore before the product gave it this one; "" if none
	TenantID   string // these five as they were when last settled
	TenantName string
	Address    string
	Provider   string
	Brand      string

	Settled
	Told Told

	Fingerprint         string    // of the secret that was last asked
	AcceptedFingerprint string    // of the secret that was last accepted
	Binding             string    // of that secret to where it went, see [ask.Asker]; "" from a released version
	DefiniteAt          time.Time // when a night last said anything but unverified
	SeenAt              time.Time // when the provider itself last gave the failing verdict, see [State.Fresh]; zero if fine
	UnverifiedSince     time.Time // start of the first run in a row without an answer; zero if answered
	SettledSeq          int64     // the run that was settled last
	AskedAt             time.Time // when a run last asked the provider itself and had a verdict; zero from a released version

	// Between two runs; the next conclusive night takes them up, see [decide.Remedy].
	Remedied   Verdict   // the finding that an acceptance ended; "" if none did
	RemediedAt time.Time // when
	Tried      string    // fingerprint of the secret that was asked last and not accepted

	Tonight *Result // of the run that last asked; nil before the first
}

// StatesByID gives states by their account's id, as the stores hand them out.
func StatesByID(all []State) map[string]State {
	states := make(map[string]State, len(all))
	for _, st := range all {
		states[st.AccountID] = st
	}
	return states
}

// Quiet reports whether recording r leaves nothing to settle: the account was fine, is fine in the same way,
// and its customer was told nothing.
func (s State) Quiet(r Result) bool {
	return r.Verdict.Fine() && !r.Carried && s.Told.Step == 0 && s.UnverifiedSince.IsZero() && s.Remedied == "" &&
		s.Settled.Verdict == r.Verdict && s.Settled.TwoFactor == r.TwoFactor && s.Settled.Rule == r.Rule &&
		s.Settled.Attested.Same(r.Attested) &&
		s.AcceptedFingerprint == r.Fingerprint && s.Binding == r.Binding &&
		s.TenantID == r.TenantID && s.TenantName == r.TenantName && s.Address == r.Address &&
		s.Provider == r.Provider && s.Brand == r.Brand
}

// Doubtful reports whether the account's last word was anything but a clear yes.
func (s State) Doubtful() bool { return !s.Settled.Verdict.Fine() || !s.UnverifiedSince.IsZero() }

// Change is one step in an account's history. History is written only when something changed, so each
// change holds until the next.
type Change struct {
	AccountID  string
	RunKey     string
	Seq        int64
	TenantID   string
	TenantName string
	Address    string
	Provider   string
	Settled
	Previous Verdict
}

// evidenceHolds is how old a refusal may be that a mail about it leaves on. What waited longer, for the caps, its
// hour or a person, is re-checked first.
const evidenceHolds = 24 * time.Hour

// Fresh reports whether a mail that tells of the account's failure may leave at now: the provider itself gave the
// verdict at most 24 hours ago. A moment that lies ahead is the mark of a clock that jumped, and no evidence.
func (s State) Fresh(now time.Time) bool {
	age := now.Sub(s.SeenAt)
	return !s.SeenAt.IsZero() && age <= evidenceHolds && age >= -ClockSkew
}

// After is what the customer knows once a notice has left.
func (t Told) After(n Notice, item NoticeItem, at time.Time) Told {
	if item.Step == 0 {
		return Told{}
	}
	if item.Step == 1 || t.Step == 0 {
		t.FirstAt, t.NoticeID = at, n.ID
	}
	t.Step, t.Verdict, t.At, t.Shadow = item.Step, item.Verdict, at, n.State == NoticeShadowed
	return t
}

const (
	// ClockSkew is more than any well-kept clock is off; certificates and nights go by it.
	ClockSkew = 5 * time.Minute
)
