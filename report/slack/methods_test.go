package slack_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"mailaudit/report/reporttest"
	"mailaudit/report/slack"
)

// Slack's documented errors of the methods that a summary needs besides chat.postMessage (docs.slack.dev/reference/methods).
var (
	ofEveryMethod = []string{
		"access_denied", "account_inactive", "deprecated_endpoint", "ekm_access_denied", "enterprise_is_restricted", "fatal_error",
		"internal_error", "invalid_arg_name", "invalid_arguments", "invalid_array_arg", "invalid_auth", "invalid_charset",
		"invalid_form_data", "invalid_post_type", "method_deprecated", "missing_post_type", "missing_scope", "no_permission",
		"not_allowed_token_type", "not_authed", "org_login_required", "ratelimited", "request_timeout", "service_unavailable",
		"team_access_not_granted", "team_added_to_org", "token_expired", "token_revoked", "two_factor_setup_required",
	}
	ofUploadURL = []string{"alt_txt_too_large", "file_type_not_allowed", "file_upload_size_restricted", "file_uploads_disabled",
		"file_uploads_except_images_disabled", "missing_argument", "snippet_too_large", "storage_limit_reached", "unknown_snippet_type"}
	ofUploadDone = []string{"blocked_file_type", "channel_not_found", "file_not_found", "file_type_not_allowed", "file_update_failed",
		"file_uploads_except_images_disabled", "invalid_channel", "is_archived", "not_in_channel", "posting_to_channel_denied"}
	ofHistory = []string{"channel_not_found", "invalid_cursor", "invalid_limit", "invalid_metadata_keys", "invalid_ts_latest",
		"invalid_ts_oldest", "not_in_channel", "is_archived", "method_not_supported_for_channel_type"}
	ofUpdate = []string{"as_user_not_supported", "block_mismatch", "cant_update_message", "channel_not_found", "edit_window_closed",
		"external_channel_migrating", "invalid_attachments", "invalid_blocks", "invalid_metadata_format", "is_archived", "is_inactive",
		"message_not_found", "metadata_too_large", "msg_too_long", "no_text", "restricted_action", "streaming_state_conflict",
		"team_not_found", "too_many_attachments", "update_failed"}
	fromBefore = []string{"400", "403", "404", "500", "503", "html"} // Slack
)

// A file that Slack does not take leaves the summary where it stands: once, and not twice. The error names Slack's word.
func TestWhatFilesAreRefusedFor(t *testing.T) {
	n := reporttest.Hostile()
	summary := build(t, n)
	for method, own := range map[string][]string{
		"files.getUploadURLExternal": ofUploadURL, "files.completeUploadExternal": ofUploadDone, "upload": nil,
	} {
		words := slices.Concat(own, ofEveryMethod, fromBefore)
		if method == "upload" { // a bare request, whose status is all it says
			words = []string{"400", "403", "404", "413", "500", "503"}
		}
		for _, word := range words {
			s := newStandIn(t)
			p := s.byToken(t)
			s.says = map[string]string{method: word}
			at, err := p.Post(t.Context(), summary, false)
			if err != nil {
				t.Fatal(err)
			}
			var e *slack.Error
			if err := p.Details(t.Context(), summary, n.Store, at); !errors.As(err, &e) || e.Code == "" {
				t.Errorf("%s, %s: %v", method, word, err)
			}
			shared := slices.ContainsFunc(s.files, func(f upload) bool { return f.channel != "" })
			if len(s.posts) != 1 || shared {
				t.Errorf("%s, %s: %d summaries, files %+v", method, word, len(s.posts), s.files)
			}
			noSecret(t, err)
		}
	}
}

// Whatever the history answers with, and however long, the summary is there in the end, and whoever could not look says
// that it may be a repeat. A token that may not do anything keeps it away, as it would the post.
func TestWhateverTheHistoryAnswers(t *testing.T) {
	summary := build(t, reporttest.Typical())
	ofToken := []string{"account_inactive", "invalid_auth", "not_authed", "org_login_required", "team_access_not_granted",
		"token_expired", "token_revoked", "two_factor_setup_required"}
	passes := []string{"ratelimited", "team_added_to_org"}
	for _, word := range slices.Concat(ofHistory, ofEveryMethod, fromBefore) {
		for _, taken := range []bool{true, false} {
			s := newStandIn(t)
			p := s.byToken(t)
			s.says = map[string]string{"conversations.history": word}
			s.refuse = refusal{"internal_error", always}
			if taken {
				s.refuse.word = "taken, and hang up"
			}
			var e *slack.Error
			if _, err := p.Post(t.Context(), summary, false); !errors.As(err, &e) || !e.Uncertain {
				t.Fatalf("%s: the first post: %v", word, err)
			}
			s.refuse = refusal{}
			s.answers = nil
			posted, mayRepeat := false, false
			for range 4 { // of the next starts
				_, found, err := p.Find(t.Context(), summary.Run.Key, time.Now())
				if found {
					t.Fatalf("%s: found", word)
				}
				if mayRepeat = errors.Is(err, slack.ErrCannotLook); !mayRepeat {
					continue
				}
				_, err = p.Post(t.Context(), summary, true)
				posted = err == nil
				break
			}
			switch waits := slices.Contains(ofToken, word) || slices.Contains(passes, word); {
			case waits && posted:
				t.Errorf("%s: it was posted by a token that may not look, or while it should wait", word)
			case !waits && !posted:
				t.Errorf("%s: no summary is posted as long as the history answers so", word)
			case !waits:
				s.holds(t, word)
			}
		}
	}
}

// An update that Slack refuses, or may have made, changes no other message and posts none.
func TestWhateverAnUpdateIsRefusedFor(t *testing.T) {
	summary := build(t, reporttest.Typical())
	for _, word := range slices.Concat(ofUpdate, ofEveryMethod, fromBefore) {
		s := newStandIn(t)
		p := s.byToken(t)
		at, err := p.Post(t.Context(), summary, false)
		if err != nil {
			t.Fatal(err)
		}
		s.says = map[string]string{"chat.update": word}
		var e *slack.Error
		if err := p.Update(t.Context(), summary, at.Ref()); !errors.As(err, &e) || len(s.posts) != 1 || len(s.updates) != 0 {
			t.Errorf("%s: %v, %d posts, %d updates", word, err, len(s.posts), len(s.updates))
		}
	}
}
