package slack_test

import (
	"errors"
	"strings"
	"testing"

	"mailaudit/providers"
	"mailaudit/providers/sim"
	"mailaudit/report/slack"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	const bot, room = "xoxb-check-canary", "C0CHECKED"
	tests := []struct {
		name   string
		change func(*slack.Config, *sim.Slack)
		mood   sim.SlackMood
		code   string // of the error; "" for none
		note   string
	}{
		{name: "all is well"},
		{name: "a token that was revoked", mood: sim.SlackMood{Errors: map[string]string{"auth.test": "token_revoked"}}, code: "token_revoked"},
		{name: "a token that may not post", mood: sim.SlackMood{Scopes: "channels:read,channels:history,files:write"}, code: "missing_scope"},
		{name: "a token that may not put files", mood: sim.SlackMood{Scopes: "chat:write,channels:read,channels:history"}, note: "files:write"},
		{name: "another token", change: func(c *slack.Config, _ *sim.Slack) { c.Token = providers.NewSecret("xoxb-check-other") }, code: "invalid_auth"},
		{name: "another channel", change: func(c *slack.Config, _ *sim.Slack) { c.Channel = "C0ELSEWHERE" }, code: "channel_not_found"},
		{name: "an archived channel", mood: sim.SlackMood{Errors: map[string]string{"conversations.info": "is_archived"}}, code: "is_archived"},
		{name: "the channel cannot be looked at", mood: sim.SlackMood{Errors: map[string]string{"conversations.info": "missing_scope"}}, note: "channels:read"},
		{name: "the history cannot be looked at", mood: sim.SlackMood{Errors: map[string]string{"conversations.history": "missing_scope"}}, note: "channels:history"},
		{name: "neither files nor the history", mood: sim.SlackMood{
			Scopes: "chat:write,channels:read", Errors: map[string]string{"conversations.history": "missing_scope"},
		}, note: "channels:history"},
		{name: "no files, and the history is out of order", mood: sim.SlackMood{
			Scopes: "chat:write,channels:read,channels:history", Errors: map[string]string{"conversations.history": "fatal_error"},
		}, code: "fatal_error", note: "files:write"},
		{name: "a gateway that only posts", mood: sim.SlackMood{Errors: map[string]string{"auth.test": "unknown_method"}}, note: "auth.test"},
		{name: "the channel is not shown", mood: sim.SlackMood{Errors: map[string]string{"conversations.info": "unknown_method"}}, note: "conversations.info"},
		{name: "a channel by its name", change: func(c *slack.Config, _ *sim.Slack) { c.Channel = "#mail-audit" }, note: "slack.channel is a name"},
		{name: "Slack is down", mood: sim.SlackMood{Status: 503}, code: "http 503"},
		{name: "a webhook", change: byWebhook},
		{name: "a webhook that was removed", change: byWebhook, mood: sim.SlackMood{Errors: map[string]string{"webhook": "no_service"}}, code: "no_service"},
		{name: "a webhook whose channel is archived", change: byWebhook, mood: sim.SlackMood{Errors: map[string]string{"webhook": "channel_is_archived"}}, code: "channel_is_archived"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			standIn, err := sim.StartSlack(sim.SlackOptions{Token: bot, Channel: room, Mood: tt.mood})
			if err != nil {
				t.Fatal(err)
			}
			defer standIn.Close()
			config := slack.Config{Token: providers.NewSecret(bot), Channel: room, APIURL: standIn.APIURL()}
			if tt.change != nil {
				tt.change(&config, standIn)
			}
			p, err := slack.New(config)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Check(t.Context())
			var refused *slack.Error
			if tt.code == "" && err != nil || tt.code != "" && (!errors.As(err, &refused) || refused.Code != tt.code) {
				t.Errorf("error %v, want %q", err, tt.code)
			}
			if notes := strings.Join(got.Notes, "\n"); tt.note == "" && notes != "" || !strings.Contains(notes, tt.note) {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
			if n := len(standIn.Posts()); n != 0 {
				t.Errorf("%d messages were posted", n)
			}
		})
	}
}

func byWebhook(c *slack.Config, s *sim.Slack) {
	c.Token, c.Channel, c.Webhook = providers.Secret{}, "", providers.NewSecret(s.WebhookURL())
}
