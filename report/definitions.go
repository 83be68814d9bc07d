package report

// Definition says what a number of the reports counts.
type Definition struct {
	Name    string // as Slack, page and text call it
	Meaning string
}

// Definitions are the numbers of a run, each told under one name in all outputs. They stand in the page's help, and in
// ARCHITECTURE.md.
var Definitions = []Definition{
	{"Accounts", "Stored mail credentials that the run covers. The verdicts add up to it."},
	{"Verified", "Accounts with a definite verdict in this run, those not re-checked included. Accounts less the unverified."},
	{"Unverified", "Accounts of which nothing can be said in this run: no response, a temporary provider error, an unrecognized reply, our own data or configuration. An earlier finding stays open, and no customer is notified."},
	{"Coverage", "Verified accounts, of those that are not on the list of accounts without a response for 3 nights or more."},
	{"OK", "Accepted accounts that ask nothing of the customer: compliant, or unproven."},
	{"Failing", "Accounts with a verdict that is told to the customer, in this run."},
	{"New failures", "Failing in this run, and OK when they were last verified."},
	{"Recovered", "OK in this run, and failing when they were last verified."},
	{"Open findings", "Accounts whose last definite verdict is failing: those failing in this run, and those that failed before and are unverified in this run."},
	{"Accepted", "Accounts whose stored credential the provider took."},
	{"2FA confirmed", "Accepted where the provider takes nothing but an app password or a grant of an account with two-step verification."},
	{"2FA likely", "Accepted, and the credential has the shape of an app password."},
	{"2FA undetermined", "Accepted, and nothing can be concluded from that."},
	{"Password only", "Accepted with an ordinary password: one factor opens the mailbox."},
	{"By traffic", "Accounts that were not asked in this run, because the product sent mail by the same credential a short time ago. They were compliant when they were asked last, and count as verified."},
	{"Attested", "Accounts whose 2FA the product attests from elsewhere: a directory, a sign-in, the customer's statement. It raises undetermined and likely, and changes no verdict."},
	{"On hold", "E-mails that a guard holds until a person approves or discards them. They are never sent by themselves."},
	{"Inconclusive", "A provider's results that are discarded for this run, because of an outage. They change no finding and notify nobody."},
	{"Scheduled", "E-mails that wait for their hour, for a place within the limits of a run, or for the relay."},
	{"Sent", "E-mails that the relay has taken."},
	{"Unconfirmed", "E-mails whose connection broke after the message was sent. They are not sent again."},
	{"Suppressed", "E-mails that were not written or were cancelled: discarded, muted, recovered meanwhile, or without a usable contact."},
	{"Not re-checked", "Accounts whose refusal was confirmed several times. They keep their last result and count as verified."},
}
