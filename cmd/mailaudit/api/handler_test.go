package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"mailaudit/audit"
	"mailaudit/providers"
)

const token = "a-token-of-thirty-two-bytes-or-more"

var now = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

// played is a desk whose answers are set.
type played struct {
	checked Checked
	known   Known
	found   []audit.Reading
	err     error
	asked   int
}

func (p *played) Tenant(context.Context, string) (string, error) { return "T-1", p.err }
func (p *played) Check(context.Context, string) (Checked, error) {
	p.asked++
	return p.checked, p.err
}
func (p *played) Account(context.Context, string) (Known, error)            { return p.known, p.err }
func (p *played) Findings(context.Context, string) ([]audit.Reading, error) { return p.found, p.err }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (p *played) handler() http.Handler {
	return Handler(p, providers.NewSecret(token), func() time.Time { return now }, quiet())
}

func ask(h http.Handler, method, path, bearer, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if bearer != "" {
		r.Header.Set("Authorization", bearer)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const (
	checkPath    = "/v1/accounts/{id}/check"
	accountPath  = "/v1/accounts/{id}"
	findingsPath = "/v1/tenants/{id}/findings"
)

// Every answer that the description has is given, with the members that it says, and no answer is given that it has not.
func TestDescribedAsAnswered(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "deploy", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var d map[string]any
	if err := yaml.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	spec := described{t, d}
	done := Checked{ProductCheck: audit.ProductCheck{ID: "chk_1", AccountID: "a", TenantID: "T-1", At: now, State: audit.CheckDone,
		Verdict: audit.Revoked, TwoFactor: providers.TwoFactorUnknown, Certainty: providers.Definite}, Notice: 7, GuideURL: "https://help.example/x"}
	asking, waits, failed := done, done, done
	asking.State, waits.State, failed.State = audit.CheckAsking, audit.CheckWaits, audit.CheckFailed
	waits.RetryAt = now.Add(15 * time.Hour)
	reading := audit.Reading{AccountID: "a", TenantID: "T-1", Verdict: audit.Revoked, TwoFactor: providers.TwoFactorUnknown, Since: now, Notice: 7, ToldAt: now, Shadow: true}
	bearer := "Bearer " + token
	for _, c := range []struct {
		name, method, path string
		desk               played
		bearer, body       string
		times, want        int
	}{
		{"checked", "POST", checkPath, played{checked: done}, bearer, "", 1, 200},
		{"being asked", "POST", checkPath, played{checked: asking}, bearer, "", 1, 202},
		{"no token", "POST", checkPath, played{}, "", "", 1, 401},
		{"unknown", "POST", checkPath, played{err: audit.ErrNoAccount}, bearer, "", 1, 404},
		{"another method", "PUT", checkPath, played{}, bearer, "", 1, 405},
		{"attempts used up", "POST", checkPath, played{checked: waits}, bearer, "", 1, 409},
		{"a long body", "POST", checkPath, played{checked: done}, bearer, strings.Repeat("x", maxBody+1), 1, 413},
		{"too often", "POST", checkPath, played{checked: done}, bearer, "", checksPerAccount + 1, 429},
		{"busy", "POST", checkPath, played{err: ErrBusy}, bearer, "", 1, 429},
		{"our own fault", "POST", checkPath, played{checked: failed}, bearer, "", 1, 503},
		{"known", "GET", accountPath, played{known: Known{reading, done.ProductCheck}}, bearer, "", 1, 200},
		{"known, and never checked", "GET", accountPath, played{known: Known{Reading: audit.Reading{AccountID: "a", Verdict: audit.Unverified, TwoFactor: "unknown"}}}, bearer, "", 1, 200},
		{"another token", "GET", accountPath, played{}, "Bearer " + token[1:], "", 1, 401},
		{"not stored", "GET", accountPath, played{err: audit.ErrNoAccount}, bearer, "", 1, 404},
		{"deleted", "DELETE", accountPath, played{}, bearer, "", 1, 405},
		{"read too often", "GET", accountPath, played{}, bearer, "", readsPerAccount + 1, 429},
		{"no database", "GET", accountPath, played{err: errors.New("dial db.internal: refused")}, bearer, "", 1, 503},
		{"findings", "GET", findingsPath, played{found: []audit.Reading{reading}}, bearer, "", 1, 200},
		{"none", "GET", findingsPath, played{}, bearer, "", 1, 200},
		{"another scheme", "GET", findingsPath, played{}, "Basic " + token, "", 1, 401},
		{"posted", "POST", findingsPath, played{}, bearer, "", 1, 405},
		{"listed too often", "GET", findingsPath, played{}, bearer, "", readsPerTenant + 1, 429},
		{"no store", "GET", findingsPath, played{err: errors.New("dial db.internal: refused")}, bearer, "", 1, 503},
	} {
		h := c.desk.handler()
		var w *httptest.ResponseRecorder
		for range c.times {
			w = ask(h, c.method, strings.Replace(c.path, "{id}", "a%2Fb", 1), c.bearer, c.body)
		}
		if w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.want)
			continue
		}
		method := c.method
		if c.want == http.StatusMethodNotAllowed {
			method = map[string]string{checkPath: "POST", accountPath: "GET", findingsPath: "GET"}[c.path]
		}
		spec.holds(c.name, c.path, method, w)
		if strings.Contains(w.Body.String(), "internal") {
			t.Errorf("%s: an answer names a host of ours: %s", c.name, w.Body)
		}
	}
	spec.allSeen()
}

// described is the description, as a test reads it.
type described struct {
	t *testing.T
	d map[string]any
}

var seen = map[string]bool{}

// holds compares an answer with the description.
func (d described) holds(name, path, method string, w *httptest.ResponseRecorder) {
	d.t.Helper()
	status := strconv.Itoa(w.Code)
	at := []string{"paths", path, strings.ToLower(method), "responses", status}
	response, ok := d.at(at...).(map[string]any)
	if !ok {
		d.t.Errorf("%s: the description knows no %s of %s %s", name, status, method, path)
		return
	}
	seen[path+method+status] = true
	response = d.resolved(response)
	if headers, _ := response["headers"].(map[string]any); headers["Retry-After"] != nil {
		if n, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || n < 1 {
			d.t.Errorf("%s: Retry-After %q", name, w.Header().Get("Retry-After"))
		}
	}
	schema := response["content"].(map[string]any)["application/json"].(map[string]any)["schema"].(map[string]any)
	var body any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		d.t.Errorf("%s: %v", name, err)
		return
	}
	d.fits(name, d.resolved(schema), body)
}

// fits holds a value to a schema, as far as the description uses the language.
func (d described) fits(name string, schema map[string]any, v any) {
	d.t.Helper()
	if all, ok := schema["oneOf"].([]any); ok {
		schema = d.resolved(all[1].(map[string]any))
		if v == nil {
			return
		}
	}
	if list, ok := schema["enum"].([]any); ok && !slices.Contains(list, v) {
		d.t.Errorf("%s: %v is none of %v", name, v, list)
	}
	types := fmt.Sprint(schema["type"])
	switch x := v.(type) {
	case nil:
		if !strings.Contains(types, "null") {
			d.t.Errorf("%s is null", name)
		}
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		for member, value := range x {
			of, known := properties[member].(map[string]any)
			if !known {
				d.t.Errorf("%s: a member %q that the description has not", name, member)
				continue
			}
			d.fits(name+"."+member, d.resolved(of), value)
		}
		for _, member := range schema["required"].([]any) {
			if _, there := x[member.(string)]; !there {
				d.t.Errorf("%s: no member %v", name, member)
			}
		}
	case []any:
		for _, one := range x {
			d.fits(name+"[]", d.resolved(schema["items"].(map[string]any)), one)
		}
	case string:
		if !strings.Contains(types, "string") {
			d.t.Errorf("%s is a string, and not %s", name, types)
		}
		if schema["format"] == "date-time" {
			if _, err := time.Parse(time.RFC3339, x); err != nil {
				d.t.Errorf("%s: %v", name, err)
			}
		}
	case bool:
		if !strings.Contains(types, "boolean") {
			d.t.Errorf("%s is a boolean, and not %s", name, types)
		}
	}
}

func (d described) at(names ...string) any {
	var v any = d.d
	for _, name := range names {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

func (d described) resolved(m map[string]any) map[string]any {
	ref, ok := m["$ref"].(string)
	if !ok {
		return m
	}
	found, ok := d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...).(map[string]any)
	if !ok {
		d.t.Fatalf("%s leads nowhere", ref)
	}
	return found
}

func (d described) allSeen() {
	d.t.Helper()
	paths := d.at("paths").(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for method, of := range paths[path].(map[string]any) {
			for status := range of.(map[string]any)["responses"].(map[string]any) {
				if !seen[path+strings.ToUpper(method)+status] {
					d.t.Errorf("%s %s is never answered with %s", method, path, status)
				}
			}
		}
	}
}

// Whoever has no token learns nothing, and has nobody asked.
func TestWithoutTheToken(t *testing.T) {
	p := &played{}
	h := p.handler()
	for _, bearer := range []string{"", "Bearer", "Bearer ", "Bearer x", "Bearer " + token + "x", "bearer" + token, "Token " + token, token} {
		for _, path := range []string{"/v1/accounts/a/check", "/v1/accounts/a", "/v1/nowhere", "/"} {
			w := ask(h, "POST", path, bearer, "")
			if w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), token) {
				t.Errorf("%q at %s: %d %s", bearer, path, w.Code, w.Body)
			}
		}
	}
	if p.asked > 0 {
		t.Errorf("%d accounts were asked", p.asked)
	}
	if w := ask(Handler(p, providers.Secret{}, time.Now, quiet()), "GET", "/v1/accounts/a", "Bearer ", ""); w.Code != http.StatusUnauthorized {
		t.Errorf("an empty token lets in: %d", w.Code)
	}
}

// One tenant's clicks do not use up another's, and a minute later they count no more.
func TestTenantsAreLimitedApart(t *testing.T) {
	clock := now
	p := &played{checked: Checked{ProductCheck: audit.ProductCheck{State: audit.CheckDone}}}
	tenants := map[string]string{"b": "T-2"}
	h := Handler(byTenant{p, tenants}, providers.NewSecret(token), func() time.Time { return clock }, quiet())
	post := func(id string) int {
		return ask(h, "POST", "/v1/accounts/"+id+"/check", "bearer "+token, "").Code
	}
	for i := range checksPerTenant {
		if code := post(fmt.Sprintf("a%d", i)); code != http.StatusOK {
			t.Fatalf("check %d: %d", i, code)
		}
	}
	if code := post("another"); code != http.StatusTooManyRequests {
		t.Errorf("one more of the tenant: %d", code)
	}
	if code := post("b"); code != http.StatusOK {
		t.Errorf("another tenant: %d", code)
	}
	clock = clock.Add(time.Minute)
	if code := post("another"); code != http.StatusOK {
		t.Errorf("a minute later: %d", code)
	}
}

type byTenant struct {
	*played
	tenants map[string]string
}

func (b byTenant) Tenant(_ context.Context, id string) (string, error) {
	if t := b.tenants[id]; t != "" {
		return t, nil
	}
	return "T-1", nil
}
