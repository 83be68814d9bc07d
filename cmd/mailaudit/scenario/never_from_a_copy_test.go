package scenario

import (
	"strings"
	"testing"
)

// A database under another name mails nothing of its own nights, and says why.
func TestIncidentCopyOfADatabaseMailsNothing(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.settings["installation"] = "clone"
	s.revoke(0, 3)
	s.atNight(1)
	s.done("run")
	s.nothingMailed()
	if text := s.lastSummary(); !strings.Contains(text, "belongs to installation") {
		t.Error("operations are not told")
	}
}
