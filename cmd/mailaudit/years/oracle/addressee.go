package oracle

import (
	"slices"
	"strings"

	"mailaudit/cmd/mailaudit/years/observe"
)

// To whom a mail goes.

// onRecord: each mail is one notice in the database, of a known kind, and its state is what the relay said. A process
// that was killed may have left the state behind.
func onRecord(w *world) rule {
	allowed := map[observe.RelayAnswer][]string{
		observe.RelayTook:    {"sent"},
		observe.RelayNothing: {"ambiguous"},
	}
	last := map[int64]letter{} // tonight's last offer of each notice
	return rule{name: "on record", night: func() []string {
		var bad []string
		for _, l := range last {
			if l.Answer == observe.RelayNever && !l.lost && (l.row.State == "sent" || l.row.State == "ambiguous") {
				bad = append(bad, sprintf("%s is %q in the database; the relay's answer was %q", l, l.row.State, l.Answer))
			}
		}
		clear(last)
		slices.Sort(bad)
		return bad
	}, letter: func(l letter) []string {
		last[l.row.ID] = l
		if !l.known {
			return one("a mail to %s at %s, Message-ID %s, is no notice in the database", strings.Join(l.To, ", "), l.moment, l.MessageID)
		}
		if !slices.Contains([]string{"finding", "reminder", "recovered", "ahead", "correction"}, l.row.Kind) {
			return one("%s is of no known kind", l)
		}
		if l.Number != 0 && l.Number != l.row.ID {
			return one("%s bears the number M-%d", l, l.Number)
		}
		want := allowed[l.Answer]
		if p := w.processes[l.process]; l.lost || p == nil || p.crashed || !p.ended {
			want = append([]string{"ambiguous", "sending"}, want...)
		}
		if l.Answer == observe.RelayNever {
			want = nil // it spoke before the final dot: the mail may be offered again
		}
		if len(want) > 0 && !slices.Contains(want, l.row.State) {
			return one("%s is %q in the database; the relay's answer was %q", l, l.row.State, l.Answer)
		}
		return nil
	}}
}

// oneAddressee: one mail is for one tenant, one contact and one provider, always. It goes to the contact whom the rows
// name when it leaves, and speaks of that notice's mailboxes and of no other.
func oneAddressee(w *world) rule {
	return rule{name: "one addressee", letter: func(l letter) []string {
		if !l.known {
			return nil
		}
		if len(l.To) != 1 || fold(l.To[0]) != fold(l.row.Contact) {
			return one("%s went to %v", l, l.To)
		}
		var bad, addresses []string
		for _, item := range l.row.Items {
			rows := w.account(item.Account, l.moment)
			fits := func(r row) bool {
				return r.Tenant == l.row.Tenant && r.Provider == l.row.Provider && r.contact() == fold(l.row.Contact)
			}
			if l.row.Kind != "correction" && !slices.ContainsFunc(rows, fits) && len(rows) > 0 {
				r := rows[0]
				bad = append(bad, sprintf("%s, for %s at %s, tells of %s, which is %s's at %s with the contact %q",
					l, l.row.Tenant, l.row.Provider, item.Account, r.Tenant, r.Provider, r.Contact))
			}
			for _, r := range rows {
				addresses = append(addresses, fold(r.Address))
			}
		}
		for _, named := range l.Mailboxes {
			if named := fold(named); !slices.Contains(addresses, named) && named != fold(l.row.Contact) {
				bad = append(bad, sprintf("%s names the mailbox %s, which is not in the notice", l, named))
			}
		}
		return bad
	}}
}

// accountGone: nobody is told that an account fails, or works again, that the customer has deleted.
func accountGone(w *world) rule {
	return rule{name: "account gone", letter: func(l letter) []string {
		for _, item := range l.row.Items {
			if l.row.Kind != "correction" && all(w.account(item.Account, l.moment), func(r row) bool { return r.gone }) {
				return one("%s tells of %s, which is gone", l, item.Account)
			}
		}
		return nil
	}}
}
