package audit

// History is what is kept of one account's past.
type History struct {
	Changes []Change           // by ascending Seq
	Notes   map[string]Finding // by run key: nights that the changes cannot tell
	Notices []Notice           // that name the account, by ascending ID
}
