package slack_test

import (
	"errors"
	"slices"
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
		{name: "no charts here", mood: sim.SlackMood{NoBlock: "data_visualization"}, note: "refuses charts in this workspace"},
		{name: "no tables here", mood: sim.SlackMood{NoBlock: "table"}, note: "refuses tables in this workspace"},
		{name: "blocks are refused, it does not say which", mood: sim.SlackMood{Errors: map[string]string{"blocks.validate": "invalid_blocks"}}, note: "refuses some of"},
		{name: "blocks cannot be validated", mood: sim.SlackMood{Errors: map[string]string{"blocks.validate": "unknown_method"}}},
		{name: "blocks may not be validated", mood: sim.SlackMood{Errors: map[string]string{"blocks.validate": "missing_scope"}}},
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

// Each documented error of auth.test and conversations.info: doctor says Slack's word, what to do about it unless it passes,
// and nothing is posted.
func TestWhateverCheckIsAnswered(t *testing.T) {
	const bot, room = "xoxb-check-canary", "C0CHECKED"
	passes := []string{"fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable", "team_added_to_org"}
	ofForm := []string{"invalid_arg_name", "invalid_arguments", "invalid_array_arg", "invalid_charset", "invalid_form_data", "invalid_post_type", "missing_post_type"}
	for _, method := range []string{"auth.test", "conversations.info"} {
		for _, word := range ofEveryMethod {
			standIn, err := sim.StartSlack(sim.SlackOptions{Token: bot, Channel: room, Mood: sim.SlackMood{Errors: map[string]string{method: word}}})
			if err != nil {
				t.Fatal(err)
			}
			p, err := slack.New(slack.Config{Token: providers.NewSecret(bot), Channel: room, APIURL: standIn.APIURL()})
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Check(t.Context())
			var refused *slack.Error
			switch {
			case method == "conversations.info" && word == "missing_scope":
				if err != nil || len(got.Notes) == 0 {
					t.Errorf("%s: %s: %v, notes %q", method, word, err, got.Notes)
				}
			case !errors.As(err, &refused) || refused.Code != word:
				t.Errorf("%s: %s: %v", method, word, err)
			case refused.Fix == "" && !slices.Contains(passes, word) && !slices.Contains(ofForm, word):
				t.Errorf("%s: %s: nobody is told what to do", method, word)
			}
			if n := len(standIn.Posts()); n != 0 {
				t.Errorf("%s: %s: %d messages were posted", method, word, n)
			}
			standIn.Close()
		}
	}
}
