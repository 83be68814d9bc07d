// Package evidence tells auditors. It adds links to the chain of evidence (package chain has the rules), writes the
// pack and a tenant's letter, and checks a pack offline. Start at [Notary], [Write] and [Verify].
package evidence
