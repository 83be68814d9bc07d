// Package protocol is what both of our SMTP clients stand on: the one that asks mail servers whether a password works
// (providers/dial) and the one that hands mails to the relay (report/notice). What the first has learned of servers is
// kept here, once: how much they may send, how replies and offers are written in practice, the client's side of each
// SASL mechanism for passwords, the name to greet with, and how our own secret is taken out of what a server says.
//
// The conversation itself is each client's own. The dialer's is written by hand, since it must tell what was said at
// which stage, refuse to send a password twice, and end at any moment. The relay's is emersion/go-smtp's, which knows
// the transaction of a mail; what that library does not bear is worked around at the edge of its connection.
package protocol
