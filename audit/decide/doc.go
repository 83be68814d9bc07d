// Package decide has the audit's decisions as pure functions over its nouns: what a provider's answer says of an account
// (Judge), what a run changes about it (Settle), whether a run may speak for a provider (Rule), and whom to mail
// (NextMail). The same arguments give the same answer, whenever and however often it is asked.
//
// It knows nouns alone: no store, no clock, no network, no log. Whoever calls it reads first and stores afterwards.
package decide
