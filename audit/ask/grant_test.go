package ask_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/ask"
	"mailaudit/audit/decide"
	"mailaudit/audit/sqlite"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
	"mailaudit/providers/dial"
	"mailaudit/providers/sim"
)

// grantScene is one account that is connected by OAuth, the servers it is asked at, and the auditor.
type grantScene struct {
	t       *testing.T
	store   *sqlite.Store
	world   *sim.World
	mail    *sim.Server
	tokens  *sim.Tokens
	auditor *ask.Asker
	now     time.Time
}

const grantLogin = "front.desk@clinic.example"

// marks are fingerprints without a key, and a seal that can be looked through; what they stand for has tests of
// its own.
type marks struct{}

func (marks) Secret(_ string, s providers.Secret) string { return mark(s.Reveal()) }
func (marks) Released(s providers.Secret) string         { return mark(s.Reveal()) }
func (marks) Own(_, stored string) string                { return stored }
func (marks) Name(kind, value string) string             { return mark(kind + value) }

func mark(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

func sealPlain(id string, s providers.Secret) ([]byte, error) {
	return []byte(id + "|" + rand.Text() + "|" + s.Reveal()), nil
}

func openPlain(id string, sealed []byte) (providers.Secret, error) {
	parts := strings.SplitN(string(sealed), "|", 3)
	if len(parts) != 3 || parts[0] != id {
		return providers.Secret{}, errors.New("not sealed for this account")
	}
	return providers.NewSecret(parts[2]), nil
}

func playGrant(t *testing.T, persona sim.Persona, rotation sim.Rotation) *grantScene {
	t.Helper()
	s := &grantScene{t: t, world: sim.NewWorld(), now: time.Date(2026, 11, 23, 2, 15, 0, 0, time.UTC)}
	need := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	authority, err := sim.NewAuthority()
	need(err)
	s.world.Set(grantLogin, sim.Account{})
	s.mail, err = sim.Start(persona, sim.Options{Authority: authority, World: s.world})
	need(err)
	t.Cleanup(s.mail.Close)
	s.tokens, err = sim.StartTokens(sim.TokenOptions{Authority: authority, World: s.world, Client: "client", Secret: "client-secret", Rotation: rotation})
	need(err)
	t.Cleanup(s.tokens.Close)
	s.store, err = sqlite.Create(t.Context(), filepath.Join(t.TempDir(), "mailaudit.db"))
	need(err)
	t.Cleanup(func() { s.store.Close() })
	need(s.store.Migrate(t.Context()))

	dialer, err := dial.New(dial.Config{
		RootCAs: authority.Pool(), EHLO: "audit.example", AllowPrivate: true,
		ConnectTo: map[string]string{persona.Hosts[0] + ":465": s.mail.TLSAddr(), persona.Hosts[0] + ":587": s.mail.STARTTLSAddr()},
	})
	need(err)
	resolver := catalog.Resolver(func(context.Context, string) ([]string, error) { return nil, nil })
	s.auditor = &ask.Asker{
		Accounts: s.store, Ledger: s.store, Grants: s.store, Seal: sealPlain, Open: openPlain, Fingerprints: marks{},
		Resolve: func(ctx context.Context, a audit.Account) (ask.Target, error) {
			r, err := resolver.Resolve(ctx, a.Host, a.Address)
			if err != nil {
				return ask.Target{}, err
			}
			target := ask.Target{Provider: r.Provider, Brand: r.Brand, Foreign: r.ForeignHost}
			target.Endpoint, _ = r.Brand.Complete(a.Host, a.Port, a.Security)
			return target, nil
		},
		Client: func(*providers.Provider, *providers.Brand) (providers.Client, bool) {
			return providers.Client{ID: "client", Secret: providers.NewSecret("client-secret"), TokenURL: s.tokens.URL()}, true
		},
		Converse: func(ctx context.Context, _ string, a providers.Attempt) providers.Conversation {
			return dialer.Verify(ctx, a)
		},
		Policy: audit.Policy{
			Attempts: audit.AttemptLimit{PerSecret: 1 << 20, Secrets: 1 << 20}, AttemptZone: time.UTC,
			Cadence: audit.Cadence{ConfirmNights: 2}, RecheckRefused: 168 * time.Hour, Window: 4 * time.Hour,
		},
		Now: func() time.Time { return s.now }, Log: slog.New(slog.DiscardHandler),
	}
	acc := audit.Account{ID: "a-1", TenantID: "t-1", Address: grantLogin, Host: persona.Hosts[0], Auth: audit.AuthOAuth2}
	_, err = s.store.Import(t.Context(), false, func(put func(audit.Account, []byte) error) error {
		sealed, _ := sealPlain("a-1", providers.NewSecret(s.world.Connect(grantLogin)))
		return put(acc, sealed)
	})
	need(err)
	return s
}

func (s *grantScene) stored() string {
	all, err := s.store.SealedSecrets(context.Background(), []string{"a-1"})
	if err != nil {
		s.t.Fatal(err)
	}
	secret, err := openPlain("a-1", all["a-1"])
	if err != nil {
		s.t.Fatal(err)
	}
	return secret.Reveal()
}

func (s *grantScene) check() ask.Checked {
	s.t.Helper()
	got, err := s.auditor.Check(s.t.Context(), "a-1")
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

// productRefreshes is the product at work at the same moment: it redeems the stored refresh token and stores the
// new one over whatever is there. One that is refused reads again.
func (s *grantScene) productRefreshes() error {
	for range 200 {
		old := s.stored()
		answer, err := http.PostForm(s.tokens.URL(), url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {old}, "client_id": {"client"}, "client_secret": {"client-secret"}})
		if err != nil {
			return err
		}
		var token struct {
			RefreshToken string `json:"refresh_token"`
			Error        string
		}
		err = json.NewDecoder(answer.Body).Decode(&token)
		answer.Body.Close()
		if err != nil {
			return err
		}
		if token.Error == "" {
			sealed, _ := sealPlain("a-1", providers.NewSecret(token.RefreshToken))
			_, err := s.store.DB().Exec(`UPDATE mail_accounts SET secret = ? WHERE account_id = 'a-1'`, sealed)
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("the product is left with a dead token")
}

// dying is a process that is killed with a new refresh token in its hands.
type dying struct{}

func (dying) ReplaceSecret(context.Context, audit.Renewal) error { runtime.Goexit(); return nil }

// No grant is lost, whoever refreshes first, and whether or not the audit dies between refresh and store. A
// provider that ends the old token before the new one has ever been used leaves no room for that death: there
// the audit is not killed.
func TestGrantSurvivesRotation(t *testing.T) {
	rounds := 1000
	if testing.Short() {
		rounds = 50
	}
	for _, tt := range []struct {
		rotation sim.Rotation
		persona  sim.Persona
		killed   bool
	}{
		{sim.RotateEnds, sim.Yahoo(), false},
		{sim.RotateOnUse, sim.Yahoo(), true},
		{sim.RotateKeeps, sim.Microsoft365(), true},
	} {
		t.Run(fmt.Sprintf("%s, killed %v", tt.rotation, tt.killed), func(t *testing.T) {
			t.Parallel()
			s := playGrant(t, tt.persona, tt.rotation)
			died := 0
			for i := range rounds {
				dies := tt.killed && i%2 == 1
				s.auditor.Grants = s.store
				if dies {
					s.auditor.Grants = dying{}
				}
				var both sync.WaitGroup
				var product error
				var checked ask.Checked
				var auditErr error
				finished := false
				both.Go(func() { product = s.productRefreshes() })
				both.Go(func() {
					checked, auditErr = s.auditor.Check(context.WithoutCancel(t.Context()), "a-1")
					finished = true
				})
				both.Wait()
				if !finished {
					died++
				}
				if product != nil || auditErr != nil {
					t.Fatalf("round %d: product %v, audit %v", i, product, auditErr)
				}
				if finished && checked.Result.Verdict != audit.Compliant && checked.Result.Verdict != audit.Unverified {
					t.Fatalf("round %d: %s by %s: %s", i, checked.Result.Verdict, checked.Result.Rule, checked.Result.Reason)
				}
				if !s.world.Lives(s.stored()) {
					t.Fatalf("round %d: the stored refresh token is dead", i)
				}
			}
			if tt.killed != (died > rounds/4) {
				t.Errorf("killed in %d of %d rounds", died, rounds)
			}
		})
	}
}

func TestRenewedGrantIsTheSameSecret(t *testing.T) {
	s := playGrant(t, sim.Yahoo(), sim.RotateEnds)
	s.auditor.Policy.Attempts = audit.AttemptLimit{PerSecret: 2, Secrets: 3}
	first := s.stored()
	for try, want := range []audit.Verdict{audit.Compliant, audit.Compliant, audit.Unverified} {
		got := s.check().Result
		if got.Verdict != want {
			t.Errorf("try %d: %s (%s), want %s", try+1, got.Verdict, got.Reason, want)
		}
		if want == audit.Compliant && got.Fingerprint != mark(s.stored()) {
			t.Errorf("try %d: the result does not know the stored secret again", try+1)
		}
	}
	if now := s.stored(); now == first || !s.world.Lives(now) {
		t.Errorf("the new refresh token is not the stored one")
	}
	if n := len(s.tokens.Requests()); n != 2 {
		t.Errorf("%d refreshes, want 2: attempts are counted over renewals", n)
	}
}

// A source that is sealed anew while the audit asks holds the same token: the dead one must give way.
func TestResealedMeanwhile(t *testing.T) {
	s := playGrant(t, sim.Yahoo(), sim.RotateEnds)
	s.auditor.Grants = resealing{s}
	if got := s.check().Result; got.Verdict != audit.Compliant {
		t.Errorf("%+v", got)
	}
	if !s.world.Lives(s.stored()) {
		t.Error("the stored refresh token is dead")
	}
}

type resealing struct{ s *grantScene }

func (r resealing) ReplaceSecret(ctx context.Context, n audit.Renewal) error {
	r.s.auditor.Grants = r.s.store
	sealed, _ := sealPlain("a-1", providers.NewSecret(r.s.stored()))
	if _, err := r.s.store.DB().Exec(`UPDATE mail_accounts SET secret = ? WHERE account_id = 'a-1'`, sealed); err != nil {
		return err
	}
	return r.s.store.ReplaceSecret(ctx, n)
}

func TestReadOnlySource(t *testing.T) {
	s := playGrant(t, sim.Yahoo(), sim.RotateEnds)
	s.auditor.Grants = nil
	before := s.stored()
	got := s.check()
	if got.Result.Verdict != audit.Unverified || !strings.Contains(got.Result.Reason, "read only") || len(s.tokens.Requests()) != 0 {
		t.Errorf("%s: %s, %d refreshes", got.Result.Verdict, got.Result.Reason, len(s.tokens.Requests()))
	}
	if !s.world.Lives(before) {
		t.Error("the grant was spent")
	}
	// Where the old one lives on, or stays, nothing needs to be stored.
	for _, p := range []struct {
		persona  sim.Persona
		rotation sim.Rotation
	}{{sim.Microsoft365(), sim.RotateKeeps}, {sim.Google(), sim.RotateNever}} {
		s := playGrant(t, p.persona, p.rotation)
		s.auditor.Grants = nil
		if got := s.check().Result; got.Verdict != audit.Compliant || !s.world.Lives(s.stored()) {
			t.Errorf("%s: %+v", p.persona.Name, got)
		}
	}
}

// What was accepted and is refused is revoked, however often the token was renewed in between.
func TestDeadGrant(t *testing.T) {
	s := playGrant(t, sim.Google(), sim.RotateNever)
	s.world.Revoke(grantLogin)
	if got := s.check(); got.Result.Verdict != audit.Invalid || got.Kind != providers.KindGrant || got.Result.Rule != "google/grant-expired-or-revoked" {
		t.Errorf("never accepted: %s by %s", got.Result.Verdict, got.Result.Rule)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	run, _, err := s.store.StartRun(t.Context(), audit.Run{Key: "n1", StartedAt: s.now, Deadline: s.now.Add(time.Hour)})
	must(err)
	must(s.store.Plan(t.Context(), "n1", "", "", nil, 1, true))
	must(s.store.Record(t.Context(), "n1", []audit.Recorded{{Result: audit.Result{
		AccountID: "a-1", RunKey: "n1", Try: 1, Judgement: audit.Judgement{Verdict: audit.Compliant}, Fingerprint: "of an older token", At: s.now}}}))
	must(s.store.Conclude(t.Context(), "n1"))
	unsettled, err := s.store.LoadStates(t.Context(), []string{"a-1"})
	must(err)
	must(s.store.Settle(t.Context(), run, []audit.Settlement{decide.Settle(run, unsettled["a-1"])}, nil))
	if got := s.check().Result; got.Verdict != audit.Revoked {
		t.Errorf("accepted before: %s", got.Verdict)
	}
}

// A refused token that is not the stored one any more accuses nobody.
func TestOvertakenGrant(t *testing.T) {
	s := playGrant(t, sim.Google(), sim.RotateNever)
	s.world.Revoke(grantLogin)
	ask := s.auditor.Converse
	s.auditor.Converse = func(ctx context.Context, p string, a providers.Attempt) providers.Conversation {
		conv := ask(ctx, p, a)
		sealed, _ := sealPlain("a-1", providers.NewSecret(s.world.Connect(grantLogin))) // the customer connects again
		if _, err := s.store.DB().Exec(`UPDATE mail_accounts SET secret = ?`, sealed); err != nil {
			t.Error(err)
		}
		return conv
	}
	if got := s.check().Result; got.Verdict != audit.Unverified || !got.Retry {
		t.Errorf("%+v", got)
	}
}

// Whatever a token endpoint does that is not an answer, nothing is said of the customer.
func TestHostileTokenEndpointAccusesNobody(t *testing.T) {
	for name, mood := range map[string]sim.TokenMood{
		"drops": {Drop: true}, "loses the answer": {DropAfter: true}, "asks to wait": {Answer: "429\n", RetryAfter: "60"},
		"is broken": {Answer: "500\n<html>", HTML: true}, "is a portal": {Answer: "200\n<html>Welcome", HTML: true},
		"talks on": {Answer: "200\n{", Large: 10 << 20}, "points elsewhere": {Redirect: "http://127.0.0.1:9/"},
		"is busy":            {Answer: "400\n{\"error\":\"temporarily_unavailable\"}"},
		"refuses our client": {Answer: "401\n{\"error\":\"invalid_client\"}"},
		"is new to us":       {Answer: "400\n{\"error\":\"some_new_error\"}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := playGrant(t, sim.Google(), sim.RotateNever)
			s.tokens.SetMood(mood)
			if got := s.check().Result; got.Verdict != audit.Unverified || got.Reason == "" {
				t.Errorf("%s by %s: %q", got.Verdict, got.Rule, got.Reason)
			}
			if n := s.mail.Counters().Connections; n != 0 {
				t.Errorf("%d connections to the mail server", n)
			}
		})
	}
}
