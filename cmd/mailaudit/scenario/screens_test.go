package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mailaudit/providers/sim"
)

const sceneToken = "scene-token-of-thirty-two-bytes-or-more"

// screens is the product's settings page, which asks a serve.
type screens struct {
	*serving
	api string
}

// withScreens starts serve at an hour of a night, so that it answers the product.
func (s *scene) withScreens(night int, clock time.Duration) screens {
	s.t.Helper()
	at := freeAddress(s.t)
	s.settings["api"] = inYAML(map[string]any{"listen": at, "token": sceneToken})
	return screens{s.serves(night, clock), "http://" + at}
}

// asks gives the status, the Retry-After and the members of an answer.
func (p screens) asks(method, path string) (status int, retry string, body map[string]any) {
	p.t.Helper()
	r, err := http.NewRequest(method, p.api+path, nil)
	p.need(err)
	r.Header.Set("Authorization", "Bearer "+sceneToken)
	resp, err := http.DefaultClient.Do(r)
	p.need(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	p.need(err)
	p.said.Write(text)
	if err := json.Unmarshal(text, &body); err != nil {
		p.t.Fatalf("%s %s: %d %q", method, path, resp.StatusCode, text)
	}
	return resp.StatusCode, resp.Header.Get("Retry-After"), body
}

// stored has the product store another secret of the mailbox bad@gmail.com.
func (s *scene) stores(secret string) {
	s.t.Helper()
	s.imported(row{"account_id": "bad", "tenant_id": "T-2", "address": "bad@gmail.com", "secret": secret, "contact_email": "bad@customers.example"})
}

// The customer of a finding types a wrong password and reads the guide at once, types the right one and reads that it works, has
// his mail and no finding; what the day has no attempt left for is said with the hour.
func TestTheSettingsPageAsksAsItSaves(t *testing.T) {
	t.Parallel()
	s := serveScene(t)
	s.settings["notices"] = `{mode: live, send_between: "", confirm_nights: 1, guide_url: "https://help.product.example/mail"}`
	s.atNight(0)
	s.done("run")
	p := s.withScreens(0, 9*time.Hour)
	status, _, known := p.asks("GET", "/v1/accounts/bad")
	if status != http.StatusOK || known["verdict"] != "invalid" || known["notice_number"] != "M-1" || known["told_at"] == nil || known["last_check"] != nil {
		t.Fatalf("before: %d %v", status, known)
	}
	if _, _, found := p.asks("GET", "/v1/tenants/T-2/findings"); len(found["findings"].([]any)) != 1 {
		t.Errorf("findings before: %v", found)
	}
	if _, _, found := p.asks("GET", "/v1/tenants/T-1/findings"); len(found["findings"].([]any)) != 0 {
		t.Errorf("findings of another tenant: %v", found)
	}

	s.stores("wrongwrongwrongw")
	status, _, got := p.asks("POST", "/v1/accounts/bad/check")
	guide, _ := got["guide_url"].(string)
	if status != http.StatusOK || got["verdict"] != "invalid" || got["notice"] != "M-1" || !strings.HasPrefix(guide, "https://help.product.example/mail/en/google-") {
		t.Fatalf("a wrong password: %d %v", status, got)
	}
	s.world.Set("bad@gmail.com", sim.Account{Password: "own", AppPasswords: []string{"rightrightrightr"}, TwoFactor: true})
	s.stores("rightrightrightr")
	status, _, got = p.asks("POST", "/v1/accounts/bad/check")
	if status != http.StatusOK || got["verdict"] != "compliant" || got["two_factor"] != "shown" || got["guide_url"] != "" || got["notice"] != nil {
		t.Fatalf("the right password: %d %v", status, got)
	}
	within(t, "its customer has the mail that it works", func() bool { return len(s.recipients()) == 2 })
	_, _, known = p.asks("GET", "/v1/accounts/bad")
	if last, _ := known["last_check"].(map[string]any); known["verdict"] != "compliant" || known["notice_number"] != nil || last["state"] != "done" || last["verdict"] != "compliant" {
		t.Errorf("after: %v", known)
	}
	if _, _, found := p.asks("GET", "/v1/tenants/T-2/findings"); len(found["findings"].([]any)) != 0 {
		t.Errorf("findings after: %v", found)
	}

	p.asks("POST", "/v1/accounts/bad/check")
	status, retry, got := p.asks("POST", "/v1/accounts/bad/check")
	if seconds, err := strconv.Atoi(retry); status != http.StatusConflict || err != nil || seconds < 14*3600 || seconds > 15*3600 {
		t.Errorf("the day's attempts are used up: %d, Retry-After %q, %v", status, retry, got)
	}
	_, _, known = p.asks("GET", "/v1/accounts/bad")
	if last, _ := known["last_check"].(map[string]any); last["state"] != "waits" || last["retry_at"] == nil || last["verdict"] != nil {
		t.Errorf("a check that waits: %v", known)
	}
	for _, c := range []struct {
		method, path string
		want         int
	}{{"POST", "/v1/accounts/nobody/check", 404}, {"GET", "/v1/accounts/nobody", 404}, {"GET", "/v1/accounts/bad/check", 405}, {"GET", "/v1/", 404}} {
		if status, _, body := p.asks(c.method, c.path); status != c.want {
			t.Errorf("%s %s: %d %v, want %d", c.method, c.path, status, body, c.want)
		}
	}
	if code := p.ends(syscall.SIGTERM); code != 143 {
		t.Errorf("exit %d", code)
	}
	for _, secret := range []string{"wrongwrongwrongw", "rightrightrightr", sceneToken} {
		if strings.Contains(p.said.String(), secret) || strings.Contains(s.said.String(), secret) {
			t.Errorf("a secret was said: %.4s…", secret)
		}
	}
	s.leftClean()
}

// A failing verdict that no mail could tell of stands on no screen: while a hold keeps the provider's
// mails, and nor after a person discarded them.
func TestNoScreenAccusesWhomNoMailWould(t *testing.T) {
	t.Parallel()
	s, _, _ := clinicBase(t)
	s.revoke(0, 15)
	s.atNight(1)
	s.do("run")
	holds := s.done("notices", "list", "--state", "held")
	p := s.withScreens(1, 9*time.Hour)
	if !strings.Contains(holds, "google") {
		t.Fatalf("no hold: %s", holds)
	}
	status, _, known := p.asks("GET", "/v1/accounts/a-00")
	if status != http.StatusOK || known["verdict"] != "unverified" || known["since"] != nil {
		t.Errorf("while a hold stands: %d %v", status, known)
	}
	if _, _, found := p.asks("GET", "/v1/tenants/T-00/findings"); len(found["findings"].([]any)) != 0 {
		t.Errorf("findings in a hold: %v", found)
	}
	if o := s.do("notices", "discard", "--run", nightOf(1), "--provider", "google", "--by", "ann"); o.code != 0 {
		t.Fatalf("discard: %s", o.stderr)
	}
	if _, _, known := p.asks("GET", "/v1/accounts/a-00"); known["verdict"] != "unverified" {
		t.Errorf("after the hold was discarded: %v", known)
	}
}

// Ten clicks at once are one conversation.
func TestTenClicksAreOneCheck(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	server := s.play(sim.Google(), sim.Mood{AuthLatency: 300 * time.Millisecond})
	s.world.Set("bad@gmail.com", sim.Account{Password: "own", AppPasswords: []string{"abcdefghijklmnop"}, TwoFactor: true})
	s.install(row{"account_id": "bad", "tenant_id": "T-2", "address": "bad@gmail.com", "secret": "abcdefghijklmnop"})
	p := s.withScreens(0, 9*time.Hour)
	before := server.Counters().Credentials
	var mu sync.Mutex
	var all []int
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			status, _, _ := p.asks("POST", "/v1/accounts/bad/check")
			mu.Lock()
			defer mu.Unlock()
			all = append(all, status)
		})
	}
	group.Wait()
	slices.Sort(all)
	if !slices.Equal(all, []int{200, 202, 202, 202, 202}) {
		t.Errorf("answers %v", all)
	}
	if n := server.Counters().Credentials - before; n != 1 {
		t.Errorf("%d conversations", n)
	}
}

// Whoever holds many connections open, and sends nothing or a header without an end, keeps no probe out.
func TestProbesStayReachable(t *testing.T) {
	t.Parallel()
	s := serveScene(t)
	v := s.serves(0, 9*time.Hour)
	var first net.Conn
	for i := range 400 {
		c, err := net.Dial("tcp", v.address)
		s.need(err)
		defer c.Close()
		if i == 0 {
			first = c
		}
		if i%2 == 0 {
			fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		}
	}
	client := http.Client{Timeout: 4 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for range 5 {
		resp, err := client.Get("http://" + v.address + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !bytes.Equal(text, []byte("ok\n")) {
			t.Errorf("%d %q", resp.StatusCode, text)
		}
	}
	first.SetReadDeadline(time.Now().Add(2 * time.Second))
	if _, err := io.ReadAll(first); err != nil { // a timeout is one, the end is none
		t.Errorf("the one that was silent longest is still there: %v", err)
	}
}
