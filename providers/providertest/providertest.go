// Package providertest is the suite that every provider's folder runs: what a provider must have, and what its
// rules must do with the replies of its testdata. A folder's test is one line, Run(t, &google.Provider); a
// failure says what is missing.
package providertest

import (
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"mailaudit/providers"
)

// Run holds a provider against the suite. It is run in the provider's folder.
func Run(t *testing.T, p *providers.Provider) {
	t.Run("data", func(t *testing.T) { data(t, p) })
	t.Run("brands", func(t *testing.T) { brands(t, p) })
	t.Run("secrets", func(t *testing.T) { secrets(t, p) })
	t.Run("rules", func(t *testing.T) {
		Rules(t, p.Rules, p.Rules.Own(), ReadCases(t, "testdata/replies.txt"))
	})
}

var reName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func data(t *testing.T, p *providers.Provider) {
	if !reName.MatchString(p.Name) || p.Title == "" || len(p.Brands) == 0 {
		t.Errorf("name %q, title %q, %d brands: a provider needs a lower-case name, a title and a brand", p.Name, p.Title, len(p.Brands))
	}
	if len(p.Mechanisms) == 0 {
		t.Error("no mechanisms for passwords")
	}
	if (len(p.OAuthMechanisms) > 0) != (p.TokenURL != "") {
		t.Error("OAuth mechanisms and the token endpoint go together")
	}
	if u, err := url.Parse(p.TokenURL); err != nil || p.TokenURL != "" && u.Scheme != "https" {
		t.Errorf("token endpoint %q is not an https URL", p.TokenURL)
	}
	if p.Shape == nil {
		t.Error("no shape rule for stored passwords; providers.Ordinary if there are no app passwords")
	}
}

func brands(t *testing.T, p *providers.Provider) {
	seen := map[string]bool{}
	for _, b := range p.Brands {
		if !reName.MatchString(b.Name) || b.Title == "" || seen[b.Name] {
			t.Errorf("brand %q (%q): a brand needs a lower-case name of its own and a title", b.Name, b.Title)
		}
		seen[b.Name] = true
		for _, kind := range []providers.Kind{providers.KindAppPassword, providers.KindOrdinary, providers.KindGrant} {
			if proof, ok := b.Proofs[kind]; !ok || proof.TwoFactor == "" || proof.Nothing && proof.SingleFactor {
				t.Errorf("%s: what an accepted %s proves is not said", b.Name, kind)
			}
		}
		if b.Endpoint.Host == "" { // "other"
			if len(b.Hosts)+len(b.Domains)+len(b.MX) > 0 {
				t.Errorf("%s: no endpoint for the mailboxes it owns", b.Name)
			}
			continue
		}
		for _, e := range append([]providers.Endpoint{b.Endpoint}, b.Alternatives...) {
			if e.Port == 0 || e.Security == "" || e.Host != providers.CanonicalHost(e.Host) {
				t.Errorf("%s: endpoint %v is not complete", b.Name, e)
			}
			if (e.Port == 465) != (e.Security == providers.ImplicitTLS) {
				t.Errorf("%s: endpoint %v: port 465 is implicit TLS, RFC 8314", b.Name, e)
			}
		}
		for _, u := range []string{b.HelpURL} {
			if parsed, err := url.Parse(u); err != nil || parsed.Scheme != "https" {
				t.Errorf("%s: help page %q is not an https URL", b.Name, u)
			}
		}
		for _, pattern := range append(append(append([]string{}, b.Hosts...), b.Domains...), b.MX...) {
			if bare := strings.TrimPrefix(pattern, "."); bare != providers.CanonicalHost(bare) || !strings.Contains(bare, ".") {
				t.Errorf("%s: %q is neither a host name nor a .suffix with a dot in it", b.Name, pattern)
			}
		}
		boundaries(t, p, b)
	}
}

// boundaries checks that names are matched on label boundaries, whatever their case and a trailing dot.
func boundaries(t *testing.T, p *providers.Provider, b providers.Brand) {
	other := &providers.Provider{Name: "nobody", Brands: []providers.Brand{{Name: "nobody"}}}
	var mx string
	r := providers.Resolver{Providers: []*providers.Provider{p}, Other: other, LookupMX: lookup(&mx)}
	name := func(pattern string) string {
		if strings.HasPrefix(pattern, ".") {
			return "mail7" + pattern
		}
		return pattern
	}
	for _, pattern := range b.Hosts {
		host := name(pattern)
		for query, want := range map[string]string{host: p.Name, strings.ToUpper(host) + ".": p.Name, "evil" + strings.TrimPrefix(pattern, "."): other.Name, host + ".example": other.Name} {
			// "evil" + the name may be another pattern's, as evilsmtp.gmail.com is .gmail.com's.
			got, err := r.Resolve(t.Context(), query, "someone@clinic.example")
			if err != nil || got.Provider.Name != want && !suffixOwned(p, query) {
				t.Errorf("%s: stored host %q is %v, want %s (%v)", b.Name, query, got.Provider.Name, want, err)
			}
		}
	}
	for _, pattern := range b.Domains {
		got, err := r.Resolve(t.Context(), "", "someone@"+strings.ToUpper(name(pattern)))
		if err != nil || got.Brand == nil || got.Brand.Name != b.Name {
			t.Errorf("%s: address domain %q is not its own: %v, %v", b.Name, pattern, got.Brand, err)
		}
		if got, err := r.Resolve(t.Context(), "", "someone@evil"+strings.TrimPrefix(pattern, ".")); err != nil || got.Provider != other {
			t.Errorf("%s: address domain evil%s is taken for its own: %v", b.Name, pattern, err)
		}
	}
	for _, pattern := range b.MX {
		mx = strings.ToUpper(name(pattern)) + "."
		if got, err := r.Resolve(t.Context(), "", "someone@clinic.example"); err != nil || got.Brand == nil || got.Brand.Name != b.Name {
			t.Errorf("%s: mail exchanger %q is not its own: %v, %v", b.Name, mx, got.Brand, err)
		}
	}
}

func suffixOwned(p *providers.Provider, host string) bool {
	for _, b := range p.Brands {
		for _, h := range b.Hosts {
			if strings.HasPrefix(h, ".") && strings.HasSuffix(providers.CanonicalHost(host), h) {
				return true
			}
		}
	}
	return false
}

// secrets checks the shape rule by testdata/secrets.txt: "secret => kind", or "secret => kind wire" where the
// secret goes over the wire in another form.
func secrets(t *testing.T, p *providers.Provider) {
	data, err := os.ReadFile("testdata/secrets.txt")
	if err != nil {
		t.Fatalf("a provider needs a file of invented secrets, one a line: secret => kind [wire form]: %v", err)
	}
	kinds := map[providers.Kind]bool{}
	for i, line := range strings.Split(string(data), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		secret, want, ok := strings.Cut(line, " => ")
		if !ok {
			t.Fatalf("testdata/secrets.txt:%d: want secret => kind [wire form]", i+1)
		}
		kind, wire, ok := strings.Cut(want, " ")
		if !ok {
			wire = secret
		}
		kinds[providers.Kind(kind)] = true
		if got := p.KindOf(secret); got != providers.Kind(kind) {
			t.Errorf("testdata/secrets.txt:%d: %s, want %s", i+1, got, kind)
		}
		if got := p.Wire(secret); got != wire {
			t.Errorf("testdata/secrets.txt:%d: goes over the wire as %q, want %q", i+1, got, wire)
		}
	}
	if !kinds[providers.KindOrdinary] {
		t.Error("testdata/secrets.txt has no ordinary password")
	}
}

// Rules checks that each case is read as its label says, in all its variants, and that each of the rules in
// want is reached by a case.
func Rules(t *testing.T, rules providers.Rules, want []providers.Rule, cases []Case) {
	reached := map[string]bool{}
	for _, c := range cases {
		got := rules.Read(c.Reply())
		if rule, ok := rules.Match(c.Reply()); ok {
			reached[rule.ID] = true
		}
		if got.Class != c.Class || got.Certainty != c.Certainty {
			t.Errorf("line %d: %s %s (%s), want %s %s: %q", c.Line, got.Class, got.Certainty, got.Rule, c.Class, c.Certainty, c.Wire)
			continue
		}
		for name, wire := range Variants(c) {
			if v := rules.Read(c.parse(wire)); v.Class != got.Class {
				t.Errorf("line %d: with other %s: %s (%s) instead of %s (%s): %q", c.Line, name, v.Class, v.Rule, got.Class, got.Rule, wire)
			}
		}
	}
	for _, r := range want {
		if !reached[r.ID] {
			t.Errorf("rule %s is reached by no reply of the testdata", r.ID)
		}
	}
}
