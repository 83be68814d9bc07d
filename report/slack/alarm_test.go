package slack_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"mailaudit/report/slack"
)

var stuck = slack.Alarm{
	Run: "2026-11-23", What: "Fix the conclusion of run 2026-11-23", Why: "it failed 10 times in a row with the same error <!channel>",
	Command: "doctor",
}

func TestAlarm(t *testing.T) {
	s := newStandIn(t)
	p := s.byToken(t)
	if err := p.Alarm(t.Context(), stuck); err != nil {
		t.Fatal(err)
	}
	text := s.posts[0].Get("text")
	for _, want := range []string{"🔴", "Fix the conclusion of run 2026-11-23", "10 times", "`mailaudit doctor`"} {
		if !strings.Contains(text, want) {
			t.Errorf("the alarm does not say %q: %s", want, text)
		}
	}
	if strings.Contains(text, "<!channel>") {
		t.Errorf("the alarm calls everybody: %s", text)
	}
	if got := s.posts[0].Get("metadata"); got != `{"event_type":"mailaudit_alarm","event_payload":{"installation":"","run":"2026-11-23"}}` {
		t.Errorf("metadata %s", got)
	}
	if err := s.byHook(t).Alarm(t.Context(), stuck); err != nil {
		t.Error(err)
	}
	// It is no summary of the run, which is still owed.
	if _, found, err := p.Find(t.Context(), "2026-11-23", time.Now().Add(-time.Hour)); found || err != nil {
		t.Errorf("taken for the summary: %t, %v", found, err)
	}
	s.will("channel_not_found")
	var refused *slack.Error
	if err := p.Alarm(t.Context(), stuck); !errors.As(err, &refused) || !refused.Permanent {
		t.Errorf("refused: %v", err)
	}
}
