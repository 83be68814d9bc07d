package slack_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mailaudit/providers"
	"mailaudit/report/reporttest"
	"mailaudit/report/slack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPost(t *testing.T) {
	s := newStandIn(t)
	at, err := s.byToken(t).Post(t.Context(), build(t, reporttest.Typical()), false)
	if err != nil {
		t.Fatal(err)
	}
	if want := channel + "/" + s.ts(0); at.Ref() != want || at.Plain {
		t.Errorf("posted at %s, plain %t, want %s", at.Ref(), at.Plain, want)
	}
	p := s.posts[0]
	for key, want := range map[string]string{
		"channel": channel, "unfurl_links": "false", "unfurl_media": "false", "parse": "none",
		"metadata": `{"event_type":"mailaudit_run","event_payload":{"installation":"","run":"2026-11-23"}}`,
	} {
		if p.Get(key) != want {
			t.Errorf("%s is %q, want %q", key, p.Get(key), want)
		}
	}
	if len(s.posts) != 1 || strings.Contains(p.Get("text"), "may be a repeat") {
		t.Errorf("%d posts; text %q", len(s.posts), p.Get("text"))
	}
}

// TestAYesWithoutAPlaceIsAYes: posting again would tell the channel twice, and for ever.
func TestAYesWithoutAPlaceIsAYes(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"ok":true}`) }))
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	p, err := slack.New(slack.Config{Token: providers.NewSecret(token), Channel: channel, APIURL: server.URL, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	at, err := p.Post(t.Context(), build(t, reporttest.Typical()), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Update(t.Context(), build(t, reporttest.Typical()), at.Ref()); !errors.Is(err, slack.ErrCannotLook) {
		t.Errorf("update: %v", err)
	}
	if got, err := p.Check(t.Context()); err != nil || !strings.Contains(strings.Join(got.Notes, "\n"), "channel is not checked") {
		t.Errorf("check: %+v, %v", got, err)
	}
}

func TestPostMayRepeat(t *testing.T) {
	s := newStandIn(t)
	for _, n := range []reporttest.Night{reporttest.Typical(), reporttest.Quiet()} {
		if _, err := s.byHook(t).Post(t.Context(), build(t, n), true); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range s.hooks {
		if !strings.Contains(m.Text, "may be a repeat") {
			t.Errorf("text %q", m.Text)
		}
	}
}

func TestPostByWebhook(t *testing.T) {
	s := newStandIn(t)
	at, err := s.byHook(t).Post(t.Context(), build(t, reporttest.Typical()), false)
	if err != nil || at.Ref() != "webhook" || len(s.hooks) != 1 || len(s.hooks[0].Blocks) == 0 {
		t.Errorf("at %+v, %v; %d posts", at, err, len(s.hooks))
	}
}

func TestRefusedBlocksGoAsText(t *testing.T) {
	for _, word := range []string{"invalid_blocks", "msg_blocks_too_long", "only_one_table_allowed"} {
		s := newStandIn(t)
		s.refuse = refusal{word, blocks}
		at, err := s.byToken(t).Post(t.Context(), build(t, reporttest.Bad()), false)
		if err != nil || !at.Plain {
			t.Fatalf("%s: %+v, %v", word, at, err)
		}
		text := s.posts[0].Get("text")
		if s.posts[0].Has("blocks") || !strings.Contains(text, "Actions for Ops") || !strings.Contains(text, "Microsoft") {
			t.Errorf("%s: %q", word, text)
		}
		if at, err := s.byHook(t).Post(t.Context(), build(t, reporttest.Bad()), false); err != nil || !at.Plain {
			t.Errorf("webhook, %s: %+v, %v", word, at, err)
		}
	}
	s := newStandIn(t)
	s.refuse = refusal{"invalid_blocks", always}
	if _, err := s.byToken(t).Post(t.Context(), build(t, reporttest.Bad()), false); err == nil {
		t.Error("every form is refused, and no error")
	}
}

// TestARefusedChartIsLeftOut: not every Slack knows the newest block.
func TestARefusedChartIsLeftOut(t *testing.T) {
	s := newStandIn(t)
	s.will("invalid_blocks")
	at, err := s.byToken(t).Post(t.Context(), build(t, reporttest.Typical()), false)
	if err != nil || at.Plain || len(s.posts) != 1 {
		t.Fatalf("%+v, %v, %d posts", at, err, len(s.posts))
	}
	if blocks := s.posts[0].Get("blocks"); strings.Contains(blocks, "data_visualization") || !strings.Contains(blocks, `"table"`) {
		t.Errorf("blocks %s", blocks)
	}
}

func TestUpdate(t *testing.T) {
	s := newStandIn(t)
	p := s.byToken(t)
	n := reporttest.Held()
	at, err := p.Post(t.Context(), build(t, n), false)
	if err != nil {
		t.Fatal(err)
	}
	n.Store.Holds, n.Store.Noted = nil, map[string]string{"decided/google": "released by Ann <!here>, 2026-11-23 15:02 UTC: 3 of 212 accounts still fail and are mailed"}
	if err := p.Update(t.Context(), build(t, n), at.Ref()); err != nil {
		t.Fatal(err)
	}
	if len(s.posts) != 1 || len(s.updates) != 1 {
		t.Fatalf("%d posts, %d updates", len(s.posts), len(s.updates))
	}
	u := s.updates[0]
	if u.Get("ts") != at.TS || u.Get("channel") != at.Channel || !strings.Contains(u.Get("metadata"), "2026-11-23") {
		t.Errorf("updated %v", u)
	}
	if text := u.Get("blocks"); !strings.Contains(text, "released by Ann") || strings.Contains(text, "Approve or discard") || strings.Contains(text, "<!here") {
		t.Errorf("blocks %s", text)
	}
	if err := s.byHook(t).Update(t.Context(), build(t, n), "webhook"); !errors.Is(err, slack.ErrCannotLook) {
		t.Errorf("by webhook: %v", err)
	}
}

func TestDetails(t *testing.T) {
	s := newStandIn(t)
	p := s.byToken(t)
	n := reporttest.Hostile()
	summary := build(t, n)
	if !slack.Cut(summary) || slack.Cut(build(t, reporttest.Quiet())) {
		t.Error("whether the message leaves findings out")
	}
	at, err := p.Post(t.Context(), summary, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Details(t.Context(), summary, n.Store, at); err != nil {
		t.Fatal(err)
	}
	if len(s.files) != 1 || s.files[0].thread != at.TS || s.files[0].channel != at.Channel {
		t.Fatalf("%+v", s.files)
	}
	content := s.files[0].content
	if lines := strings.Count(content, "\n"); lines < summary.Numbers.Changes.NewlyFailing {
		t.Errorf("%d lines", lines)
	}
	if strings.Contains(content, reporttest.Canary) || strings.Contains(content, "\n=") || strings.Contains(content, ",=") {
		t.Error("shows a mailbox, a provider's words, or a formula")
	}
	if err := s.byHook(t).Details(t.Context(), summary, n.Store, slack.Posted{}); err != nil {
		t.Errorf("by webhook: %v", err)
	}
	s.will("missing_scope")
	var e *slack.Error
	if err := p.Details(t.Context(), summary, n.Store, at); !errors.As(err, &e) || !strings.Contains(e.Fix, "files:write") {
		t.Errorf("without the scope: %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	s := newStandIn(t)
	s.will("429 1")
	if _, err := s.byToken(t).Post(t.Context(), build(t, reporttest.Quiet()), false); err != nil || len(s.posts) != 1 {
		t.Errorf("after a short wait: %v, %d posts", err, len(s.posts))
	}
	s.will("429 7200")
	_, err := s.byHook(t).Post(t.Context(), build(t, reporttest.Quiet()), false)
	var e *slack.Error
	if !errors.As(err, &e) || e.RetryAfter != 2*time.Hour || e.Permanent || e.Uncertain {
		t.Errorf("a long wait: %+v", err)
	}
	s.will("429 50")
	quiet := build(t, reporttest.Quiet())
	ctx, cancel := context.WithCancel(t.Context())
	interrupted := s.byToken(t, func(c *slack.Config) { c.Transport = then{c.Transport, cancel} })
	if _, err := interrupted.Post(ctx, quiet, false); !errors.As(err, &e) || e.RetryAfter != 50*time.Second {
		t.Errorf("interrupted while waiting: %v", err)
	}
}

// then does something once an answer has come.
type then struct {
	http.RoundTripper
	do func()
}

func (t then) RoundTrip(r *http.Request) (*http.Response, error) {
	defer t.do()
	return t.RoundTripper.RoundTrip(r)
}

func TestErrors(t *testing.T) {
	summary := build(t, reporttest.Typical())
	for _, c := range []struct {
		answer                     string
		hook, permanent, uncertain bool
		says                       string
	}{
		{answer: "invalid_auth", permanent: true, says: "slack.token"},
		{answer: "not_authed", permanent: true, says: "slack.token"},
		{answer: "token_revoked", permanent: true, says: "slack.token"},
		{answer: "token_expired", permanent: true, says: "slack.token"},
		{answer: "account_inactive", permanent: true, says: "slack.token"},
		{answer: "missing_scope", permanent: true, says: "chat:write"},
		{answer: "channel_not_found", permanent: true, says: "slack.channel"},
		{answer: "is_archived", permanent: true, says: "unarchive"},
		{answer: "not_in_channel", permanent: true, says: "invite the app"},
		{answer: "restricted_action", permanent: true, says: "administrator"},
		{answer: "fatal_error", uncertain: true},
		{answer: "internal_error", uncertain: true},
		{answer: "request_timeout", uncertain: true},
		{answer: "service_unavailable", uncertain: true},
		{answer: "ratelimited"},
		{answer: "408", uncertain: true},
		{answer: "a new word of Slack's", uncertain: true, says: "not Slack's"},
		{answer: "html", uncertain: true, says: "not Slack's"},
		{answer: "429"},
		{answer: "500", uncertain: true},
		{answer: "503", uncertain: true},
		{answer: "302", permanent: true, says: "redirect"},
		{answer: "hang up", uncertain: true},
		{answer: "no_service", hook: true, permanent: true, says: "slack.webhook"},
		{answer: "no_active_hooks", hook: true, permanent: true, says: "slack.webhook"},
		{answer: "invalid_token", hook: true, permanent: true, says: "slack.webhook"},
		{answer: "channel_is_archived", hook: true, permanent: true, says: "unarchive"},
		{answer: "action_prohibited", hook: true, permanent: true, says: "administrator"},
		{answer: "channel_not_found", hook: true, permanent: true},
		{answer: "404", hook: true, permanent: true, says: "slack.webhook"},
		{answer: "410", hook: true, permanent: true, says: "slack.webhook"},
		{answer: "500", hook: true, uncertain: true},
		{answer: "302", hook: true, permanent: true, says: "redirect"},
		{answer: "hang up", hook: true, uncertain: true},
	} {
		s := newStandIn(t)
		s.will(c.answer)
		p := s.byToken(t)
		if c.hook {
			p = s.byHook(t)
		}
		_, err := p.Post(t.Context(), summary, false)
		var e *slack.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", c.answer, err)
			continue
		}
		if e.Permanent != c.permanent || e.Uncertain != c.uncertain || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s (webhook %t): permanent %t, uncertain %t: %v", c.answer, c.hook, e.Permanent, e.Uncertain, err)
		}
		if len(s.posts)+len(s.hooks) > 0 || s.left() > 0 {
			t.Errorf("%s: %d posts", c.answer, len(s.posts)+len(s.hooks))
		}
		noSecret(t, err)
	}
}

func noSecret(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), "canary") || strings.Contains(e.Error(), "/services/") {
			t.Errorf("a secret in the error: %v", e)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	s := newStandIn(t)
	byToken, byHook := s.byToken(t), s.byHook(t)
	s.Server.Close()
	for _, p := range []*slack.Poster{byToken, byHook} {
		_, err := p.Post(t.Context(), build(t, reporttest.Quiet()), false)
		var e *slack.Error
		if !errors.As(err, &e) || e.Permanent || e.Uncertain {
			t.Errorf("%+v", err)
		}
		noSecret(t, err)
	}
}

func TestFind(t *testing.T) {
	s := newStandIn(t)
	s.pageOf = 2
	here := func(c *slack.Config) { c.Installation = "here" }
	elsewhere := func(c *slack.Config) { c.Installation = "elsewhere" }
	for range 3 {
		if _, err := s.byToken(t, elsewhere).Post(t.Context(), build(t, reporttest.Quiet()), false); err != nil {
			t.Fatal(err)
		}
	}
	if _, found, err := s.byToken(t, here).Find(t.Context(), reporttest.Key, time.Now()); found || err != nil {
		t.Errorf("before it was posted: %t, %v", found, err)
	}
	want, err := s.byToken(t, here).Post(t.Context(), build(t, reporttest.Quiet()), false)
	if err != nil {
		t.Fatal(err)
	}
	got, found, err := s.byToken(t, here).Find(t.Context(), reporttest.Key, time.Now())
	if !found || err != nil || got != want {
		t.Errorf("found %t at %+v, %v; want %+v", found, got, err, want)
	}
	if _, found, err := s.byToken(t, here).Find(t.Context(), "2026-11-24", time.Now()); found || err != nil {
		t.Errorf("another run's: %t, %v", found, err)
	}
}

func TestFindWhereNobodyCanLook(t *testing.T) {
	s := newStandIn(t)
	byName := func(c *slack.Config) { c.Channel = "#mail-audit" }
	for name, p := range map[string]*slack.Poster{"webhook": s.byHook(t), "name": s.byToken(t, byName)} {
		if _, _, err := p.Find(t.Context(), reporttest.Key, time.Now()); !errors.Is(err, slack.ErrCannotLook) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, word := range []string{"missing_scope", "not_in_channel", "unknown_method", "404", "html"} {
		s.will(word)
		if _, _, err := s.byToken(t).Find(t.Context(), reporttest.Key, time.Now()); !errors.Is(err, slack.ErrCannotLook) {
			t.Errorf("%s: %v", word, err)
		}
	}
	for _, word := range []string{"invalid_auth", "503", "429 30"} {
		s.will(word)
		_, _, err := s.byToken(t).Find(t.Context(), reporttest.Key, time.Now())
		var e *slack.Error
		if errors.Is(err, slack.ErrCannotLook) || !errors.As(err, &e) {
			t.Errorf("%s: %v", word, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	secret := providers.NewSecret
	for name, c := range map[string]slack.Config{
		"nothing":           {},
		"both":              {Token: secret(token), Channel: channel, Webhook: secret("https://h.example/canary")},
		"no channel":        {Token: secret(token)},
		"plain http":        {Webhook: secret("http://hooks.example/services/canary")},
		"no address":        {Webhook: secret("canary")},
		"bad address":       {Webhook: secret("https://h.example/%zz/canary\x7f")},
		"api by plain http": {Token: secret(token), Channel: channel, APIURL: "http://slack.example/api/"},
		"file":              {Token: secret(token), Channel: channel, APIURL: "file:///etc/passwd"},
	} {
		p, err := slack.New(c)
		if err == nil || p != nil {
			t.Errorf("%s was accepted", name)
			continue
		}
		noSecret(t, err)
	}
}

func TestNoSecretInAMessage(t *testing.T) {
	s := newStandIn(t)
	if _, err := s.byToken(t).Post(t.Context(), build(t, reporttest.Bad()), false); err != nil {
		t.Fatal(err)
	}
	p := s.posts[0]
	if p.Get("token") != token {
		t.Error("the token did not reach Slack")
	}
	p.Del("token")
	if strings.Contains(p.Encode(), "canary") {
		t.Error("a secret in the message")
	}
}
