package decide

import (
	"fmt"
	"testing"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/providers/catalog"
)

// A base of 2,000 accepted accounts, of which the product attests every other one. What is attested raises, and what is missing,
// false, stale, expired, of tomorrow or contradicting changes no verdict and lowers nothing. deploy/ATTESTATIONS.md has the figures.
func TestABaseOfWhichHalfIsAttested(t *testing.T) {
	now := time.Date(2026, 11, 29, 2, 15, 0, 0, time.UTC)
	shares := []struct {
		provider, brand string
		kind            providers.Kind
		accounts        int
		by              audit.AttestationKind
	}{
		{"google", "gmail", providers.KindAppPassword, 500, audit.GoogleEnrolled},
		{"google", "workspace", providers.KindGrant, 400, audit.GoogleEnrolled},
		{"microsoft", "m365", providers.KindGrant, 300, audit.EntraRegistered},
		{"microsoft", "m365", providers.KindAppPassword, 100, audit.EntraRegistered},
		{"microsoft", "m365", providers.KindOrdinary, 100, audit.EntraRegistered},
		{"yahoo", "yahoo", providers.KindAppPassword, 300, audit.CustomerStatement},
		{"zoho", "zoho.com", providers.KindOrdinary, 50, audit.CustomerStatement},
		{"other", "other", providers.KindOrdinary, 250, audit.OIDCMultiFactor},
	}
	rows := func(how string, kind audit.AttestationKind) []audit.Attestation {
		a := audit.Attestation{Kind: kind, Value: true, SeenAt: now.AddDate(0, 0, -7)}
		switch how {
		case "false":
			a.Value = false
		case "stale":
			a.SeenAt = now.AddDate(0, 0, -91)
		case "expired":
			a.ExpiresAt = now.AddDate(0, 0, -1)
		case "of tomorrow":
			a.SeenAt = now.AddDate(0, 0, 1)
		case "missing":
			return nil
		case "contradicted":
			return []audit.Attestation{a, {Kind: audit.OIDCMultiFactor, SeenAt: now}}
		}
		return []audit.Attestation{a}
	}
	base := func(how string) (by map[providers.TwoFactor]int, verdicts map[audit.Verdict]int) {
		by, verdicts = map[providers.TwoFactor]int{}, map[audit.Verdict]int{}
		for _, share := range shares {
			name := share.brand
			if share.provider == "zoho" {
				name = zohoBrand(t)
			}
			for i := range share.accounts {
				j := Judge(Case{Reading: providers.Reading{Class: providers.Accepted}, Kind: share.kind, Brand: brand(t, share.provider, name), AcceptedBefore: true})
				if how != "none" && i%2 == 0 {
					j = Attest(j, rows(how, share.by), audit.Attested{}, now)
				}
				by[j.TwoFactor]++
				verdicts[j.Verdict]++
			}
		}
		return by, verdicts
	}
	line := func(by map[providers.TwoFactor]int) string {
		return fmt.Sprintf("confirmed %d, likely %d, undetermined %d, password only %d", by[providers.TwoFactorShown], by[providers.TwoFactorLikely], by[providers.TwoFactorUnknown], by[providers.TwoFactorAbsent])
	}
	before, verdicts := base("none")
	t.Logf("before: %s", line(before))
	for _, how := range []string{"holding", "contradicted", "false", "stale", "expired", "of tomorrow", "missing"} {
		by, same := base(how)
		t.Logf("%s: %s", how, line(by))
		if fmt.Sprint(same) != fmt.Sprint(verdicts) {
			t.Errorf("%s: verdicts %v, want %v", how, same, verdicts)
		}
		raises := how == "holding" || how == "contradicted"
		switch {
		case raises && (by[providers.TwoFactorShown] <= before[providers.TwoFactorShown] || by[providers.TwoFactorAbsent] != before[providers.TwoFactorAbsent]):
			t.Errorf("%s: %s, before %s", how, line(by), line(before))
		case !raises && line(by) != line(before):
			t.Errorf("%s: %s, want as before, %s", how, line(by), line(before))
		}
	}
}

// zohoBrand is the first of Zoho's brands, whose names go by the region.
func zohoBrand(t *testing.T) string {
	t.Helper()
	return brandNames(t, "zoho")[0]
}

func brandNames(t *testing.T, provider string) (names []string) {
	t.Helper()
	p, ok := catalog.ByName(provider)
	if !ok {
		t.Fatalf("no provider %q", provider)
	}
	for _, b := range p.Brands {
		names = append(names, b.Name)
	}
	return names
}
