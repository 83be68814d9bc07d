package decide

import "slices"

// Approved reports whether those who want a hold decided are enough: one approver, or two different ones where more mails are held
// than the bound says. Who is no approver (any more) does not count. A bound of 0 is none.
func Approved(held, bound int, approvers, wanting []string) bool {
	seen := map[string]bool{}
	for _, person := range wanting {
		if slices.Contains(approvers, person) {
			seen[person] = true
		}
	}
	if bound > 0 && held > bound {
		return len(seen) >= 2
	}
	return len(seen) >= 1
}
