package audit

// Decision says whether a mail is due for one account, and why or why not.
type Decision struct {
	Kind NoticeKind // "" for none
	Step int
	Why  string
}

// Settlement is what a run's conclusion changes about one account.
type Settlement struct {
	State    State
	Change   *Change  // a new step in the history; nil where nothing changed
	Note     *Finding // kept with the run where the history cannot tell the night: unverified, carried, a narrowed run, or a reversal
	Decision Decision
	Reversal *Reversal // the note's
}
