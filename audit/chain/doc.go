// Package chain makes the evidence tamper-evident. Each concluded run becomes a link: a short text that states digests
// of what the run has left in the database and the hash of the link before it, so that the last hash, the head, stands
// for everything before it. A purge and the retention of old runs take rows away; they leave links that say so.
//
// The package is pure: it writes and reads statements, folds links into what holds, and compares. It reads no store,
// no clock and no key. Start at [Statement] for the form and at [Read] for the rules.
package chain
