package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"mailaudit/audit"
	"mailaudit/audit/ask"
	"mailaudit/audit/decide"
	"mailaudit/cmd/mailaudit/app"
	"mailaudit/cmd/mailaudit/config"
	"mailaudit/providers"
	"mailaudit/report"
)

// placed is an account with the provider that it is at.
type placed struct {
	audit.Account
	target ask.Target
}

// accountsAsked are enough to see what the accounts are like.
const accountsAsked = 2000

// sample reads the first accounts, and resolves those that can be.
func (d *Doctor) sample(ctx context.Context) ([]placed, error) {
	accounts, err := d.app.Auditor.Night.Accounts.AccountsAfter(ctx, "", accountsAsked, "")
	if err != nil {
		return nil, err
	}
	var all []placed
	for _, acc := range accounts {
		if target, err := d.app.Auditor.Ask.Resolve(ctx, acc); err == nil && target.Provider != nil {
			all = append(all, placed{acc, target})
		}
	}
	return all, nil
}

// installation reports whether the database is this installation's own: a copy mails nobody.
func (d *Doctor) installation(ctx context.Context) {
	owner, err := d.app.Store.Setting(ctx, audit.SettingInstallation)
	switch ours := d.Config.Installation; {
	case err != nil:
		d.fail("installation", err, "see the line on database")
	case owner != "" && owner != ours:
		d.fail("installation", fmt.Errorf("the database belongs to installation %q and this is %q, so that no customer is mailed", owner, ours),
			"set installation to its name, or database to another one; of a copy that is what is wanted")
	case ours != "":
		d.ok("installation", "%s", ours)
	}
}

// canaries reports whether the operator's own accounts are there, each at the provider that it is to watch.
func (d *Doctor) canaries(ctx context.Context) {
	canaries := d.app.Auditor.Night.Policy.Canaries
	for _, provider := range slices.Sorted(maps.Keys(canaries)) {
		ids := slices.Concat(canaries[provider].Good, canaries[provider].Bad)
		if len(ids) == 0 {
			continue
		}
		key := "providers." + provider + ".canaries"
		found, err := d.app.Auditor.Night.Accounts.AccountsByID(ctx, ids)
		if err != nil {
			d.fail("canaries", err, "see the line on accounts")
			return
		}
		missing := slices.Clone(ids)
		for _, acc := range found {
			missing = slices.DeleteFunc(missing, func(id string) bool { return id == acc.ID })
			if target, err := d.app.Auditor.Ask.Resolve(ctx, acc); err == nil && target.Provider != nil && target.Provider.Name != provider {
				d.fail("canaries", fmt.Errorf("account %s of %s is at %s", acc.ID, key, target.Provider.Title), "name it under providers."+target.Provider.Name+", or correct the account")
			}
		}
		if len(missing) > 0 {
			d.fail("canaries", fmt.Errorf("%s names %s, which no account has", key, app.Joined(missing)), "add the account to the source, or correct "+key)
			continue
		}
		d.ok("canaries", "%s: %d good, %d bad", app.Title(provider), len(canaries[provider].Good), len(canaries[provider].Bad))
	}
}

// clients reports whether the mailboxes that sign in by OAuth have a client of ours, and how long its secret lives.
func (d *Doctor) clients(accounts []placed) {
	without, with := map[string]int{}, map[string]bool{}
	for _, a := range accounts {
		if a.Auth != audit.AuthOAuth2 {
			continue
		}
		brand := cmp.Or(a.target.Brand, &providers.Brand{})
		key := config.OAuthKey("providers."+a.target.Provider.Name, brand.OAuth)
		if _, ok := app.OAuthClient(d.Config, a.target.Provider, brand); ok {
			with[key] = true
		} else {
			without[key]++
		}
	}
	for _, key := range slices.Sorted(maps.Keys(without)) {
		d.fail("oauth", fmt.Errorf("%s by OAuth, and %s has no client", report.Number(without[key], "account signs in", "accounts sign in"), key),
			"set "+key+".client_id and client_secret to those that the product connects its customers with")
	}
	now := d.Now()
	for _, e := range d.app.Auditor.Night.Policy.OAuthClients {
		if t, due := decide.ExpiryWarning(e, time.Time{}, now); due {
			d.fail("oauth", errors.New(t.What), t.Fix)
		} else {
			d.ok("oauth", "%s's client has a secret until %s", e.Owner, e.At.Format(time.DateOnly))
		}
	}
}

// languages tells which customers ask for a language that no guide is written in.
func (d *Doctor) languages(accounts []placed) {
	settings, err := d.app.LetterSettings()
	if err != nil {
		return // the line on guides tells
	}
	type wish struct{ provider, locale string }
	missed := map[wish]int{}
	for _, a := range accounts {
		if !settings.Guides.Speaks(a.target.Provider.Name, a.Locale) {
			missed[wish{a.target.Provider.Name, a.Locale}]++
		}
	}
	for _, w := range slices.SortedFunc(maps.Keys(missed), func(a, b wish) int {
		return cmp.Or(cmp.Compare(a.provider, b.provider), cmp.Compare(a.locale, b.locale))
	}) {
		d.note("guides", "%s for %s, which %s's guide does not speak: English is sent; a translation goes to notices.guides_dir/%s/%s.md",
			report.Number(missed[w], "account asks", "accounts ask"), w.locale, app.Title(w.provider), w.provider, w.locale)
	}
}
