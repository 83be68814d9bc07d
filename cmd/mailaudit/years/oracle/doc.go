// Package oracle says a second time what mailaudit promises its operators: once in the program, and once here, from the
// promises alone. It takes the observations of simulated years one by one and reports each promise that it sees broken.
//
// It knows nothing of the program's code. It believes what providers, customers, relay and Slack saw; what mailaudit
// says of itself it only compares, with the truth and with what else mailaudit says.
//
// Start with [New]: its list of rules is the table of contents, and each rule stands in the file that it names. A rule
// looks at things as they happen (watch), at each mail to a customer once the database has told what the mail was
// about (letter), or at what database and commands show after each night (night). Where the papers leave room, a rule
// leaves it, too, and its comment says which.
//
//	world.go    the truth: accounts, mailboxes, moods, configurations, commands
//	seen.go     what was seen of mailaudit: sign-ins, mails, its database
//	may.go      whether a mail may leave at all: mode, kill switch, mute, pilot, hours, Slack first
//	addressee.go  to whom: one tenant, one contact, one provider; nobody who is gone
//	reason.go   why: a fresh refusal, confirmed, not repaired, never an outage
//	cadence.go  how often: once, reminders, recovered, corrections
//	caps.go     how many: a night, a recipient, a tenant; no mail twice
//	hold.go     what a guard holds, and that it stays held
//	guard.go    when a guard must speak: a mass, an outage, a shrunken source
//	attempts.go how often providers are asked
//	runs.go     every run concludes, every summary is posted once
//	owed.go     every mail is settled, nobody is forgotten
//	numbers.go  all that is shown says the same; forms.go reads the forms
//	secrets.go  no secret in any output
//	exits.go    exit codes
package oracle
