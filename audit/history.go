package audit

// History is what is kept of one account's past.
type History struct {
	Changes   []Change           // by ascending Seq
	Notes     map[string]Finding // by run key: nights that the changes cannot tell
	ByTraffic map[string]bool    // by run key: runs that did not ask it, for the product had sent mail
	Notices   []Notice           // that name the account, by ascending ID
}
