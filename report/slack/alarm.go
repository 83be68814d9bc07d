package slack

import (
	"context"

	"github.com/slack-go/slack"
)

// Alarm is trouble that does not wait for a summary. Its texts name no mailbox, no customer's host and nothing that a
// server has said.
type Alarm struct {
	Run     string // whose trouble it is; "" for none's
	What    string // "Fix the conclusion of run 2026-11-23"
	Why     string // "it failed 10 times in a row"
	Command string // what to look with: the words after "mailaudit"; "" if none helps
}

const alarmType = "mailaudit_alarm" // of the metadata, so that no alarm is taken for a summary

// Alarm posts an alarm. Errors are *[Error].
func (p *Poster) Alarm(ctx context.Context, a Alarm) error {
	line := "🔴 *" + neutral(a.What, headlineMax) + "*: " + neutral(a.Why, sentenceMax)
	if a.Command != "" {
		line += " → " + command(p.CommandPrefix, a.Command)
	}
	about := slack.SlackMetadata{EventType: alarmType, EventPayload: map[string]any{"run": a.Run, "installation": p.Installation}}
	o := offer{p: p, about: about, compose: func(bool) Message { return Message{Text: line, Plain: line} }}
	_, err := o.make(ctx)
	return err
}
