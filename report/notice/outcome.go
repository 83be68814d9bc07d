package notice

import "mailaudit/providers"

// Result is what became of handing a mail to the relay.
type Result string

const (
	Sent      Result = "sent"      // the relay took it
	Failed    Result = "failed"    // the relay refused this mail for good
	Retry     Result = "retry"     // nothing was handed over; another try is safe
	Ambiguous Result = "ambiguous" // the line went dead after the final dot was begun: it may have been taken
)

// Outcome is a result with its evidence.
type Outcome struct {
	Result Result
	Stage  string          // "connect", "starttls", "auth", "mail", "rcpt", "data", "dot"
	Reply  providers.Reply // the relay's words, StageMail; zero where it said nothing
	Detail string          // for people: the reply, or what happened instead; never a secret
}
