package audit

import "time"

// closes tells whether a mail of this kind ends what the customer has been told.
func (k NoticeKind) closes() bool { return k == KindRecovered || k == KindCorrection }

// decide is [Cadence.Decide] with what the outbox holds: where the mail that ends the story is on its way,
// another would say the same once more.
func (c Cadence) decide(now time.Time, s Settled, told Told, asked bool, m Mailing) Decision {
	d := c.Decide(now, s, told, asked, m.Lately, m.Pending)
	if d.Kind == KindRecovered && m.Closing {
		return Decision{Why: "a mail is written and waits to be sent"}
	}
	return d
}
