package audit

import "time"

// Action is something that an operator did, kept for the auditors.
type Action struct {
	ID     int64  // the store's, unique with At; Act sets it
	Nonce  string // chance, so that the digest of an action does not betray whom it names; Act sets it
	At     time.Time
	Who    string
	What   string // "notices release"
	Target string // "2026-11-25 google"
	Why    string
}

// Snooze keeps a tenant's mails back until a moment; its findings are counted all the same.
type Snooze struct {
	TenantID string
	Until    time.Time
	By       string
}

// Bounce is an address to which mail came back.
type Bounce struct {
	Address string
	At      time.Time
}

// The names of settings.
const (
	SettingInstallation = "installation"    // the installation that this database belongs to
	SettingStopped      = "notices_stopped" // not empty: who stopped the mails, and when
)

// SettingVouchedHost begins the names of hosts to which an operator lets accepted secrets go; the value says who and when.
const SettingVouchedHost = "vouched host/"

const (
	ActionPurge   = "accounts purge"
	ActionBounced = "notices bounced"
)

// Stop is the kill switch, thrown: who stopped the mails, when and why.
type Stop struct {
	Who string
	At  time.Time
	Why string
}

func (s Stop) String() string {
	text := "by " + s.Who + " since " + s.At.UTC().Format("2006-01-02 15:04 UTC")
	if s.Why != "" {
		text += ": " + s.Why
	}
	return text
}
