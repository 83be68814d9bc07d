package slack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"mailaudit/providers/web"
)

// Error is why a summary was not posted or looked up. It never holds the token or the webhook's address.
type Error struct {
	Code       string        // Slack's own word, "http 503", or what the network said
	Fix        string        // what to do; "" where waiting is all
	Permanent  bool          // a retry does not help until somebody has fixed it
	Uncertain  bool          // the message may stand in the channel all the same
	RetryAfter time.Duration // how long Slack asks to wait; 0 if it does not say

	about part // what of the message was refused
}

func (e *Error) Error() string {
	text := "slack: " + e.Code
	if e.RetryAfter > 0 {
		text += fmt.Sprintf(", asks to wait %s", e.RetryAfter)
	}
	if e.Fix != "" {
		text += ": " + e.Fix
	}
	return text
}

// Answered reports whether Slack, or what stands in its place, gave the answer, rather than the network.
func (e *Error) Answered() bool {
	return codeForm.MatchString(e.Code) || strings.HasPrefix(e.Code, "http ")
}

// ErrCannotLook: whether a summary stands in the channel cannot be found out.
var ErrCannotLook = errors.New("cannot look whether the summary was posted")

// notSlacks is the code of what cannot be read as an answer of Slack's.
const notSlacks = "an answer that is not Slack's"

const (
	fixToken   = "make a new bot token in the Slack app and set slack.token"
	fixChannel = "set slack.channel to the id of a channel that exists"
	fixHook    = "make a new incoming webhook in the Slack app and set slack.webhook"
	fixPolicy  = "ask a Slack administrator to let the app post there, or set another channel"
	fixVersion = "install a newer version of mailaudit: Slack has retired the method that this one calls"
	fixEdit    = "the message stays as it was posted; mailaudit report shows what was decided since"
)

// permanent are the answers that no retry changes (docs.slack.dev: chat.postMessage and chat.update, Errors; Sending
// messages using incoming webhooks, Handling errors).
var permanent = map[string]string{
	"not_authed":                               fixToken,
	"invalid_auth":                             fixToken,
	"token_revoked":                            fixToken,
	"token_expired":                            fixToken,
	"account_inactive":                         fixToken,
	"two_factor_setup_required":                fixToken + "; its owner must set up two-factor authentication in Slack first",
	"not_allowed_token_type":                   "set slack.token to a bot token (xoxb-)",
	"org_login_required":                       fixPolicy,
	"team_access_not_granted":                  fixPolicy,
	"no_permission":                            fixPolicy,
	"access_denied":                            fixPolicy,
	"accesslimited":                            "ask a Slack administrator to allow the address that mailaudit connects from",
	"ekm_access_denied":                        fixPolicy,
	"enterprise_is_restricted":                 fixPolicy,
	"messages_tab_disabled":                    fixPolicy,
	"restricted_action":                        fixPolicy,
	"restricted_action_read_only_channel":      fixPolicy,
	"restricted_action_thread_only_channel":    fixPolicy,
	"restricted_action_non_threadable_channel": fixPolicy,
	"missing_scope":                            "give the Slack app the scope chat:write, install it again and set slack.token",
	"channel_not_found":                        fixChannel + ", and invite the app to it if it is private",
	"team_not_found":                           fixChannel,
	"is_archived":                              "unarchive the channel or set slack.channel to another one",
	"not_in_channel":                           "invite the app to the channel",
	"deprecated_endpoint":                      fixVersion,
	"method_deprecated":                        fixVersion,

	"message_not_found":        fixEdit,
	"cant_update_message":      fixEdit,
	"edit_window_closed":       fixEdit,
	"is_inactive":              fixEdit,
	"streaming_state_conflict": fixEdit,

	"no_service":                        fixHook,
	"no_service_id":                     fixHook,
	"no_active_hooks":                   fixHook,
	"invalid_token":                     fixHook,
	"no_team":                           fixHook,
	"team_disabled":                     fixHook,
	"user_not_found":                    fixHook,
	"channel_is_archived":               "unarchive the webhook's channel, or make a webhook for another one and set slack.webhook",
	"action_prohibited":                 fixPolicy,
	"posting_to_general_channel_denied": fixPolicy,
}

// perhaps are the answers after which the message may stand in the channel: of the first two Slack says "it's
// possible some aspect of the operation succeeded before the error was raised", of the others nothing that excludes it.
var perhaps = []string{"internal_error", "fatal_error", "request_timeout", "service_unavailable", "update_failed"}

// later are the answers that pass by themselves, and before which Slack has taken nothing.
var later = []string{"ratelimited", "rate_limited", "message_limit_exceeded", "team_added_to_org", "external_channel_migrating"}

// part is what of a message a refusal is about.
type part int

const (
	partNone     part = iota // none: no other form of the message passes either
	partAny                  // Slack does not say which
	partBlocks               // the chart, the table, or all of the blocks
	partMetadata             // what the run's message is known by
)

var (
	ofBlocks = []string{"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "block_mismatch", "only_one_table_allowed"}
	ofAny    = []string{"invalid_attachments", "attachment_payload_limit_exceeded", "too_many_attachments", "too_many_contact_cards",
		"invalid_payload", "msg_too_long", "no_text", "markdown_text_conflict", "missing_file_data", "as_user_not_supported",
		"invalid_arguments", "invalid_arg_name", "invalid_array_arg", "invalid_charset", "invalid_form_data", "invalid_post_type",
		"missing_post_type", "slack_connect_canvas_sharing_blocked", "slack_connect_clip_sharing_blocked",
		"slack_connect_file_link_sharing_blocked", "slack_connect_lists_sharing_blocked", "cannot_reply_to_message"}
)

var codeForm = regexp.MustCompile(`^[a-z0-9_]{1,60}$`)

// refusal is the error for one of Slack's own words. One that is not known may mean that another form of the message
// passes, or that this one stands in the channel already.
func refusal(code string) *Error {
	if !codeForm.MatchString(code) {
		return &Error{Code: notSlacks, Fix: "check slack.api_url and the proxy on the way", Uncertain: true}
	}
	fix, known := permanent[code]
	e := &Error{Code: code, Fix: fix, Permanent: known}
	switch {
	case known, slices.Contains(later, code):
	case slices.Contains(perhaps, code):
		e.Uncertain = true
	case strings.Contains(code, "metadata"):
		e.about = partMetadata
	case slices.Contains(ofBlocks, code):
		e.about = partBlocks
	case slices.Contains(ofAny, code):
		e.about = partAny
	default:
		e.about, e.Uncertain = partAny, true
	}
	return e
}

// understand turns what slack-go and net/http return into an [Error]. A *url.Error names the address,
// which for a webhook is the secret itself, so only its cause is kept.
func understand(err error) *Error {
	var limited *slack.RateLimitedError
	var answer slack.SlackErrorResponse
	var status slack.StatusCodeError
	var address *url.Error
	switch {
	case errors.As(err, &limited):
		return &Error{Code: "rate limited", RetryAfter: limited.RetryAfter}
	case errors.As(err, &answer):
		return refusal(answer.Err)
	case errors.As(err, &status):
		return fromStatus(status.Code)
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: "no answer in time", Uncertain: true}
	case errors.Is(err, context.Canceled):
		return &Error{Code: "interrupted", Uncertain: true}
	case errors.As(err, &address):
		var op *net.OpError
		dialling := errors.As(err, &op) && op.Op == "dial"
		return &Error{Code: web.Cause(address.Err).Error(), Uncertain: !dialling}
	}
	return &Error{Code: notSlacks, Fix: "check slack.api_url and the proxy on the way", Uncertain: true}
}

func fromStatus(code int) *Error {
	e := &Error{Code: fmt.Sprintf("http %d", code), Uncertain: code >= 500 || code == http.StatusRequestTimeout}
	switch {
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge:
		e.about = partAny
	case code >= 300 && code < 400:
		e.Permanent, e.Fix = true, "the address answers with a redirect, which is not followed; check slack.api_url or slack.webhook"
	case code == http.StatusForbidden, code == http.StatusNotFound, code == http.StatusGone:
		e.Permanent, e.Fix = true, "nothing takes posts at that address; check slack.webhook or slack.api_url"
	}
	return e
}
