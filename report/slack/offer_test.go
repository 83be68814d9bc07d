package slack_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"mailaudit/report"
	"mailaudit/report/reporttest"
	"mailaudit/report/slack"
)

// Slack's documented errors of chat.postMessage (docs.slack.dev/reference/methods/chat.postMessage), by what they mean.
var (
	forGood = []string{
		"access_denied", "accesslimited", "account_inactive", "channel_not_found", "deprecated_endpoint", "ekm_access_denied",
		"enterprise_is_restricted", "invalid_auth", "is_archived", "messages_tab_disabled", "method_deprecated", "missing_scope",
		"no_permission", "not_allowed_token_type", "not_authed", "not_in_channel", "org_login_required", "restricted_action",
		"restricted_action_non_threadable_channel", "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
		"team_access_not_granted", "team_not_found", "token_expired", "token_revoked", "two_factor_setup_required",
	}
	forNow   = []string{"ratelimited", "rate_limited", "message_limit_exceeded", "team_added_to_org", "external_channel_migrating", "429"}
	doubtful = []string{"internal_error", "fatal_error", "request_timeout", "service_unavailable", "hang up", "500", "503", "html", "408"}
	ofForm   = []string{
		"as_user_not_supported", "attachment_payload_limit_exceeded", "cannot_reply_to_message", "invalid_arg_name", "invalid_arguments",
		"invalid_array_arg", "invalid_attachments", "invalid_blocks", "invalid_blocks_format", "invalid_charset", "invalid_form_data",
		"invalid_metadata_format", "invalid_metadata_schema", "invalid_post_type", "markdown_text_conflict",
		"metadata_must_be_sent_from_app", "metadata_too_large", "missing_file_data", "missing_post_type", "msg_blocks_too_long",
		"msg_too_long", "no_text", "slack_connect_canvas_sharing_blocked", "slack_connect_clip_sharing_blocked",
		"slack_connect_file_link_sharing_blocked", "slack_connect_lists_sharing_blocked", "too_many_attachments", "too_many_contact_cards",
		"a_word_of_next_year",
	}
)

// publish is what the program does with a run's summary until it stands: it marks, posts, and after an answer that
// means "perhaps" looks before it posts again.
func publish(t *testing.T, p *slack.Poster, s *report.Summary, tries int) (err error) {
	t.Helper()
	marked := false
	for range tries {
		mayRepeat := false
		if marked {
			_, found, err := p.Find(t.Context(), s.Run.Key, time.Now())
			switch {
			case found:
				return nil
			case errors.Is(err, slack.ErrCannotLook):
				mayRepeat = true
			case err != nil:
				t.Fatal(err)
			}
		}
		if _, err = p.Post(t.Context(), s, mayRepeat); err == nil {
			return nil
		}
		var e *slack.Error
		if !errors.As(err, &e) {
			t.Fatal(err)
		}
		marked = marked || e.Uncertain
		if !e.Uncertain {
			marked = false
		}
	}
	return err
}

// holds checks what the channel holds: one summary, or more that say that they may be repeats; never none.
func (s *standIn) holds(t *testing.T, name string) {
	t.Helper()
	if len(s.posts) == 0 {
		t.Errorf("%s: no summary", name)
	}
	for i, m := range s.posts {
		if repeats := strings.Contains(m.Encode(), url.QueryEscape("may be a repeat")); i > 0 && !repeats {
			t.Errorf("%s: summary %d of %d does not say that it may be a repeat", name, i+1, len(s.posts))
		}
	}
}

// Whatever Slack's word for it, and whatever of the message it does not take: the words arrive, once.
func TestWhatSlackRefusesIsLeftOut(t *testing.T) {
	summary := build(t, reporttest.Typical())
	parts := map[string]func(url.Values) bool{"chart": chart, "table": table, "metadata": metadata, "blocks": blocks, "many letters": manyLetters,
		"metadata or a chart": func(m url.Values) bool { return metadata(m) || chart(m) },
		"blocks or metadata":  func(m url.Values) bool { return metadata(m) || blocks(m) }}
	for _, word := range ofForm {
		for name, part := range parts {
			s := newStandIn(t)
			s.refuse = refusal{word, part}
			name = word + " for " + name
			if err := publish(t, s.byToken(t), summary, 1); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if len(s.posts) != 1 {
				t.Errorf("%s: %d summaries", name, len(s.posts))
				continue
			}
			// Of a word that is not known, said to a message without metadata, nobody can tell what it means.
			certain := word != "a_word_of_next_year" || metadata(s.posts[0]) || blocks(s.posts[0])
			if certain && strings.Contains(s.posts[0].Encode(), url.QueryEscape("may be a repeat")) {
				t.Errorf("%s: the only one says that it may be a repeat", name)
			}
			if !strings.Contains(s.posts[0].Get("text"), "2 actions for Ops") {
				t.Errorf("%s: text %q", name, s.posts[0].Get("text"))
			}
		}
	}
}

// What names its cause costs no more than that.
func TestNoMoreIsLeftOutThanIsRefused(t *testing.T) {
	summary := build(t, reporttest.Typical())
	for _, tt := range []struct {
		word string
		to   func(url.Values) bool
		left []func(url.Values) bool
		gone func(url.Values) bool
	}{
		{"invalid_metadata_schema", metadata, []func(url.Values) bool{blocks, chart, table}, metadata},
		{"metadata_must_be_sent_from_app", metadata, []func(url.Values) bool{blocks, chart, table}, metadata},
		{"invalid_blocks", chart, []func(url.Values) bool{blocks, table, metadata}, chart},
		{"invalid_blocks", table, []func(url.Values) bool{blocks, metadata}, table},
		{"invalid_blocks", blocks, []func(url.Values) bool{metadata, manyLetters}, blocks},
		{"invalid_arguments", metadata, []func(url.Values) bool{blocks}, metadata},
		{"msg_too_long", manyLetters, []func(url.Values) bool{blocks, chart, table, metadata}, manyLetters},
	} {
		s := newStandIn(t)
		s.refuse = refusal{tt.word, tt.to}
		if err := publish(t, s.byToken(t), summary, 1); err != nil || len(s.posts) != 1 {
			t.Fatalf("%s: %v, %d summaries", tt.word, err, len(s.posts))
		}
		if tt.gone(s.posts[0]) || slices.ContainsFunc(tt.left, func(has func(url.Values) bool) bool { return !has(s.posts[0]) }) {
			t.Errorf("%s: %v", tt.word, s.posts[0])
		}
	}
}

func TestRefusedForGoodTellsWhatToDo(t *testing.T) {
	summary := build(t, reporttest.Typical())
	for _, word := range forGood {
		s := newStandIn(t)
		s.refuse = refusal{word, always}
		err := publish(t, s.byToken(t), summary, 2)
		var e *slack.Error
		if !errors.As(err, &e) || !e.Permanent || e.Fix == "" || e.Uncertain || len(s.posts) > 0 {
			t.Errorf("%s: %+v, %d summaries", word, err, len(s.posts))
		}
	}
	for _, word := range forNow {
		s := newStandIn(t)
		s.will(word, word)
		if err := publish(t, s.byToken(t), summary, 3); err != nil || len(s.posts) != 1 || !chart(s.posts[0]) || !metadata(s.posts[0]) {
			t.Errorf("%s: %v, %d summaries", word, err, len(s.posts))
		}
		s.holds(t, word)
	}
}

// An answer that means "perhaps" is looked up before anything is sent again, and where nobody can look the next one
// says so.
func TestPerhapsIsLookedUp(t *testing.T) {
	summary := build(t, reporttest.Typical())
	for _, word := range append(slices.Clone(doubtful), "a_word_of_next_year") {
		for _, taken := range []bool{true, false} {
			for _, noLook := range []bool{true, false} {
				s := newStandIn(t)
				s.noLook = noLook
				first := true
				s.refuse = refusal{word, func(url.Values) bool { was := first; first = false; return was }}
				if taken {
					s.refuse.word = "taken, and " + word
				}
				name := s.refuse.word
				if noLook {
					name += ", and the history is closed"
				}
				if err := publish(t, s.byToken(t), summary, 3); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				s.holds(t, name)
				if want := 1; !noLook && len(s.posts) != want {
					t.Errorf("%s: %d summaries", name, len(s.posts))
				}
				if !noLook && strings.Contains(s.posts[0].Encode(), url.QueryEscape("may be a repeat")) {
					t.Errorf("%s: looked up, and yet it may be a repeat", name)
				}
			}
		}
	}
}

// A Slack that fails at a block each time, and calls that no refusal, gets the words.
func TestPerhapsForEverEndsInWords(t *testing.T) {
	summary := build(t, reporttest.Typical())
	for _, noLook := range []bool{true, false} {
		s := newStandIn(t)
		s.noLook, s.refuse = noLook, refusal{"internal_error", chart}
		if err := publish(t, s.byToken(t), summary, 6); err != nil || len(s.posts) != 1 || blocks(s.posts[0]) || !metadata(s.posts[0]) {
			t.Errorf("%v, %d summaries", err, len(s.posts))
		}
		s.holds(t, "internal_error for the chart")
	}
}

// A summary that had to go without metadata, and whose answer was lost, cannot be looked up: the next one says so.
func TestLostWithoutMetadata(t *testing.T) {
	summary := build(t, reporttest.Typical())
	s := newStandIn(t)
	first := true
	s.refuse.to = func(m url.Values) bool {
		if !metadata(m) && first {
			first, s.refuse.word = false, "taken, and hang up"
			return true
		}
		s.refuse.word = "invalid_metadata_schema"
		return metadata(m)
	}
	if err := publish(t, s.byToken(t), summary, 4); err != nil || len(s.posts) != 2 {
		t.Errorf("%v, %d summaries", err, len(s.posts))
	}
	s.holds(t, "lost without metadata")
}

// What holds for a summary holds for an alarm and for an update.
func TestAlarmAndUpdateWithoutMetadata(t *testing.T) {
	s := newStandIn(t)
	p := s.byToken(t)
	at, err := p.Post(t.Context(), build(t, reporttest.Typical()), false)
	if err != nil {
		t.Fatal(err)
	}
	s.refuse = refusal{"metadata_must_be_sent_from_app", metadata}
	if err := p.Alarm(t.Context(), slack.Alarm{What: "Fix it", Why: "it failed"}); err != nil || len(s.posts) != 2 {
		t.Errorf("alarm: %v, %d posts", err, len(s.posts))
	}
	if err := p.Update(t.Context(), build(t, reporttest.Typical()), at.Ref()); err != nil || len(s.updates) != 1 || !chart(s.updates[0]) {
		t.Errorf("update: %v, %d", err, len(s.updates))
	}
	for _, word := range []string{"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive"} {
		s.refuse = refusal{word, always}
		var e *slack.Error
		if err := p.Update(t.Context(), build(t, reporttest.Typical()), at.Ref()); !errors.As(err, &e) || !e.Permanent || len(s.updates) != 1 {
			t.Errorf("%s: %v, %d updates", word, err, len(s.updates))
		}
	}
}

// An incoming webhook has neither metadata nor a history; its refusals come with a status of 4xx and are certain.
func TestWhatAWebhookRefusesIsLeftOut(t *testing.T) {
	summary := build(t, reporttest.Typical())
	for _, word := range []string{"invalid_payload", "invalid_blocks", "invalid_attachments", "too_many_attachments", "msg_too_long", "a_word_of_next_year"} {
		for name, part := range map[string]func(url.Values) bool{"chart": chart, "table": table, "blocks": blocks, "many letters": manyLetters} {
			s := newStandIn(t)
			s.refuse = refusal{word, part}
			if err := publish(t, s.byHook(t), summary, 1); err != nil || len(s.hooks) != 1 || strings.Contains(s.hooks[0].Text, "may be a repeat") {
				t.Errorf("%s for %s: %v, %d summaries", word, name, err, len(s.hooks))
			}
		}
	}
}
