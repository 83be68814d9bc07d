package years

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/years/observe"
	"mailaudit/providers/sim"
)

// event happens to the world. It does nothing where there is nobody whom it could befall.
type event func(s *Stage, pick *rand.Rand) error

// events by name. A name that begins with "still" ends what others began.
var events map[string]event

func init() { events = happenings }

var happenings = map[string]event{
	"customer breaks":            breaks,
	"customers break in a mass":  breakMany,
	"customer mends":             mends,
	"customer mends wrongly":     mendsWrongly,
	"customer changes password":  changesPassword,
	"mailbox is locked":          state(sim.Locked),
	"sign-in is switched off":    state(sim.SMTPAuthDisabled),
	"owner must use a browser":   state(sim.BrowserSignIn),
	"second factor is demanded":  state(sim.MFADemanded),
	"mailbox is limited":         state(sim.RateLimited),
	"mailbox's backend is down":  state(sim.BackendDown),
	"mailbox is free again":      state(sim.OK),
	"stores ordinary password":   storesOrdinary,
	"second factor switched off": withoutSecondFactor,
	"grant is revoked":           revokesGrant,
	"connects by OAuth":          connects,
	"tenant joins":               joins,
	"mailbox joins":              mailboxJoins,
	"mailbox leaves":             leaves,
	"tenant leaves":              tenantLeaves,
	"mailbox comes back":         comesBack,
	"mailbox moves to a tenant":  moves,
	"contact changes":            contactChanges,
	"zone or locale changes":     zoneChanges,
	"row becomes unusable":       becomesUnusable,
	"row is renumbered":          renumbered,
	"product sends mail":         productSends,
	"provider refuses all":       moodFor(observe.Refusing, 1),
	"provider refuses a share":   moodFor(observe.Refusing, 0.5),
	"provider answers 535":       moodFor(observe.Outage535, 1),
	"provider answers some 535":  moodFor(observe.Outage535, 0.6),
	"provider throttles":         moodFor(observe.Throttles, 1),
	"provider hangs":             moodFor(observe.Hangs, 0.7),
	"provider is away":           moodFor(observe.Away, 1),
	"provider babbles":           moodFor(observe.Babbles, 0.8),
	"provider comes back half":   comesBackHalf,
	"provider is well":           moodFor(observe.Well, 1),
	"client secret dies":         clientSecret(false),
	"client secret is renewed":   clientSecret(true),
	"way out closes":             wayOut(false),
	"way out opens":              wayOut(true),
	"source is away":             sourceMood("away"),
	"source shrinks":             sourceMood("shrunk"),
	"source repeats ids":         sourceMood("repeats"),
	"source is whole":            sourceMood(well),
	"relay refuses":              relayMood(refuses),
	"relay refuses for good":     relayMood(forGood),
	"relay hangs":                relayMood(hanging),
	"relay says perhaps":         relayMood(perhaps),
	"relay is well":              relayMood(well),
	"mail will bounce":           bounces,
	"slack refuses":              slackMood(refuses),
	"slack throttles":            slackMood(throttle),
	"slack hangs":                slackMood(hanging),
	"slack says perhaps":         slackMood(perhaps),
	"slack is well":              slackMood(well),
	"clock jumps ahead":          clockJump(1),
	"clock jumps back":           clockJump(-1),
	"clock is set right":         clockRight,
	"mode changes":               setting(func(s *Settings, pick *rand.Rand) { s.Mode = oneOf(pick, []string{"live", "live", "shadow", "off"}) }),
	"caps change":                setting(changeCaps),
	"hours change": setting(func(s *Settings, pick *rand.Rand) {
		s.SendBetween = oneOf(pick, []string{"", "Mon-Fri 09:00-16:00", "Sat 10:00-11:00"})
	}),
	"guard changes":   setting(changeGuard),
	"pilot changes":   setting(changePilot),
	"attempts change": setting(changeAttempts),
	"time zone changes": setting(func(s *Settings, pick *rand.Rand) {
		s.TimeZone = oneOf(pick, []string{"UTC", "America/New_York", "Europe/Berlin"})
	}),
	"old binary's rows": oldRows,
}

var eventNames = slices.Sorted(maps.Keys(happenings))

// passwords reports whether a row signs in by password.
func passwords(r *row) bool { return r.account.Auth == audit.AuthPassword && !r.own }

func (w *World) breakBox(b *box, pick *rand.Rand) {
	b.account.State = sim.OK
	if pick.IntN(4) == 0 {
		b.account.State = oneOf(pick, []sim.State{sim.Locked, sim.SMTPAuthDisabled, sim.BrowserSignIn, sim.MFADemanded})
	} else {
		b.issued++
		b.account.AppPasswords = []string{appPassword(b.provider, b.n, b.issued)}
		b.account.Password = fmt.Sprintf("Own-Pass-%d-%d!", b.n, b.issued)
		clear(b.refresh)
	}
	w.tellBox(b)
}

func breaks(s *Stage, pick *rand.Rand) error {
	if r := s.w.any(pick, nil); r != nil {
		s.w.breakBox(r.box, pick)
	}
	return nil
}

func breakMany(s *Stage, pick *rand.Rand) error {
	provider, share := oneOf(pick, kinds), 0.3+0.7*pick.Float64()
	for _, login := range s.w.logins() {
		if b := s.w.boxes[login]; b.provider == provider && pick.Float64() < share {
			s.w.breakBox(b, pick)
		}
	}
	return nil
}

// mendBox gives a row the secret that opens its mailbox.
func (w *World) mendBox(r *row) error {
	b := r.box
	if b.account.State != sim.OK {
		b.account.State = sim.OK
	}
	return w.change(r, func() {
		r.own = false
		switch {
		case r.account.Auth == audit.AuthOAuth2:
			b.issued++
			r.secret = fmt.Sprintf("refresh-%d-%d", b.n, b.issued)
			if b.refresh == nil {
				b.refresh = map[string]bool{}
			}
			b.refresh[r.secret] = true
		case b.provider == "other" || b.provider == "microsoft" && !b.account.TwoFactor:
			r.secret = b.account.Password
		default:
			b.account.TwoFactor = true
			r.secret = b.account.AppPasswords[0]
		}
	})
}

// failing picks a row whose secret does not work.
func (w *World) failing(pick *rand.Rand) *row {
	return w.any(pick, func(r *row) bool {
		return r.box.meaning(r.secret, r.account.Auth == audit.AuthOAuth2) != string(sim.Accepted)
	})
}

func mends(s *Stage, pick *rand.Rand) error {
	if r := s.w.failing(pick); r != nil {
		return s.w.mendBox(r)
	}
	return nil
}

func mendsWrongly(s *Stage, pick *rand.Rand) error {
	r := s.w.failing(pick)
	if r == nil {
		return nil
	}
	return s.w.change(r, func() {
		r.box.issued++
		r.secret = wrongSecret(r.box.provider, r.box.n, r.box.issued)
	})
}

// changesPassword is one who does all right: a new secret that works, where the old one did.
func changesPassword(s *Stage, pick *rand.Rand) error {
	r := s.w.any(pick, passwords)
	if r == nil {
		return nil
	}
	b := r.box
	b.issued++
	b.account.AppPasswords = []string{appPassword(b.provider, b.n, b.issued)}
	if b.provider == "other" || !b.account.TwoFactor {
		b.account.Password = fmt.Sprintf("Own-Pass-%d-%d!", b.n, b.issued)
	}
	return s.w.mendBox(r)
}

func state(to sim.State) event {
	return func(s *Stage, pick *rand.Rand) error {
		of := func(r *row) bool { return (r.box.account.State == sim.OK) != (to == sim.OK) }
		if r := s.w.any(pick, of); r != nil {
			r.box.account.State = to
			s.w.tellBox(r.box)
		}
		return nil
	}
}

func storesOrdinary(s *Stage, pick *rand.Rand) error {
	r := s.w.any(pick, passwords)
	if r == nil {
		return nil
	}
	return s.w.change(r, func() { r.secret = r.box.account.Password })
}

func withoutSecondFactor(s *Stage, pick *rand.Rand) error {
	if r := s.w.any(pick, passwords); r != nil {
		r.box.account.TwoFactor = !r.box.account.TwoFactor
		s.w.tellBox(r.box)
	}
	return nil
}

func revokesGrant(s *Stage, pick *rand.Rand) error {
	if r := s.w.any(pick, func(r *row) bool { return r.account.Auth == audit.AuthOAuth2 }); r != nil {
		clear(r.box.refresh)
		s.w.tellBox(r.box)
	}
	return nil
}

func connects(s *Stage, pick *rand.Rand) error {
	r := s.w.any(pick, func(r *row) bool {
		return passwords(r) && (r.box.provider == "google" || r.box.provider == "microsoft")
	})
	if r == nil {
		return nil
	}
	r.account.Auth = audit.AuthOAuth2
	return s.w.mendBox(r)
}

func joins(s *Stage, pick *rand.Rand) error {
	if len(s.w.tenants) > 40 {
		return nil
	}
	_, err := s.w.join(pick)
	return err
}

func mailboxJoins(s *Stage, pick *rand.Rand) error {
	t := oneOf(pick, s.w.tenants)
	if len(t.rows) >= 12 {
		return nil
	}
	return s.w.put(s.w.newRow(pick, t))
}

func leaves(s *Stage, pick *rand.Rand) error {
	if r := s.w.any(pick, func(r *row) bool { return s.w.canary(r.account.ID) == "" }); r != nil {
		return s.w.remove(r)
	}
	return nil
}

func tenantLeaves(s *Stage, pick *rand.Rand) error {
	all := s.w.tenantsWithRows()
	if len(all) < 3 {
		return nil
	}
	for _, r := range slices.Clone(oneOf(pick, all).rows) {
		if err := s.w.remove(r); err != nil {
			return err
		}
	}
	return nil
}

func comesBack(s *Stage, pick *rand.Rand) error {
	if len(s.w.gone) == 0 {
		return nil
	}
	i := pick.IntN(len(s.w.gone))
	r := s.w.gone[i]
	s.w.gone = slices.Delete(s.w.gone, i, i+1)
	r.tenant.rows = append(r.tenant.rows, r)
	return s.w.put(r)
}

func moves(s *Stage, pick *rand.Rand) error {
	r := s.w.any(pick, nil)
	if r == nil {
		return nil
	}
	to := oneOf(pick, s.w.tenants)
	r.tenant.rows = slices.DeleteFunc(r.tenant.rows, func(other *row) bool { return other == r })
	r.tenant, to.rows = to, append(to.rows, r)
	return s.w.change(r, func() {
		r.account.TenantID, r.account.TenantName, r.account.ContactEmail, r.account.ContactName = to.id, to.name, to.contact, to.contactName
	})
}

func contactChanges(s *Stage, pick *rand.Rand) error {
	t := oneOf(pick, s.w.tenants)
	t.contact = s.w.contact(pick, t)
	for _, r := range t.rows {
		if err := s.w.change(r, func() { r.account.ContactEmail = t.contact }); err != nil {
			return err
		}
	}
	return nil
}

func zoneChanges(s *Stage, pick *rand.Rand) error {
	t := oneOf(pick, s.w.tenants)
	t.zone, t.locale = oneOf(pick, zones), oneOf(pick, locales)
	for _, r := range t.rows {
		if err := s.w.change(r, func() { r.account.TimeZone, r.account.Locale = t.zone, t.locale }); err != nil {
			return err
		}
	}
	return nil
}

func becomesUnusable(s *Stage, pick *rand.Rand) error {
	if r := s.w.any(pick, passwords); r != nil {
		return s.w.change(r, func() { r.own = true })
	}
	return nil
}

// renumbered gives a mailbox another id.
func renumbered(s *Stage, pick *rand.Rand) error {
	r := s.w.any(pick, func(r *row) bool { return s.w.canary(r.account.ID) == "" })
	if r == nil {
		return nil
	}
	old := r.account.ID
	if err := s.w.store.Remove(context.Background(), old); errors.Is(err, audit.ErrNoAccount) {
		return s.w.remove(r) // it was purged
	} else if err != nil {
		return err
	}
	delete(s.w.rows, old)
	s.w.made++
	r.account.ID = fmt.Sprintf("a-%04d", s.w.made)
	s.w.observe(nil, observe.AccountRenumbered{Old: old, New: r.account.ID})
	return s.w.put(r)
}

// productSends has the product note that it sent mail through a mailbox that works.
func productSends(s *Stage, pick *rand.Rand) error {
	r := s.w.any(pick, func(r *row) bool {
		return !r.own && r.box.meaning(r.secret, r.account.Auth == audit.AuthOAuth2) == string(sim.Accepted)
	})
	if r == nil {
		return nil
	}
	r.account.LastSentOKAt = time.Now().UTC().Truncate(time.Second)
	return s.w.put(r)
}

func moodFor(mood observe.Mood, share float64) event {
	return func(s *Stage, pick *rand.Rand) error {
		s.w.setMood(oneOf(pick, kinds), mood, share, time.Duration(1+pick.IntN(72))*time.Hour)
		return nil
	}
}

func comesBackHalf(s *Stage, pick *rand.Rand) error {
	for _, name := range slices.Sorted(maps.Keys(s.w.providers)) {
		if m := s.w.providers[name]; m.Mood != observe.Well {
			s.w.setMood(name, m.Mood, m.Share/2, time.Duration(1+pick.IntN(24))*time.Hour)
			return nil
		}
	}
	return nil
}

func (w *World) setMood(provider string, mood observe.Mood, share float64, lasts time.Duration) {
	m := w.moodOf(provider)
	m.Mood, m.Share, m.until = mood, share, time.Now().Add(lasts)
	if mood == observe.Well {
		m.until = time.Time{}
	}
	w.observe(nil, m.ProviderIs)
}

// lasts has an event end what is amiss, some hours from now.
func (w *World) lasts(end string, pick *rand.Rand) {
	w.ends[end] = time.Now().Add(time.Duration(1+pick.IntN(oneOf(pick, []int{6, 30, 100}))) * time.Hour)
}

// passMoods ends what has lasted long enough.
func (s *Stage) passMoods() error {
	w := s.w
	for _, end := range slices.Sorted(maps.Keys(w.ends)) {
		if time.Now().After(w.ends[end]) {
			delete(w.ends, end)
			if err := events[end](s, w.chance(end)); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.providers)) {
		if m := w.providers[name]; !m.until.IsZero() && time.Now().After(m.until) {
			w.setMood(name, observe.Well, 1, 0)
		}
	}
	return nil
}

func clientSecret(good bool) event {
	return func(s *Stage, pick *rand.Rand) error {
		provider := oneOf(pick, []string{"google", "microsoft"})
		if !good {
			s.w.lasts("client secret is renewed", pick)
		}
		if s.w.client[provider] == good {
			s.w.client[provider] = !good
			s.w.observe(nil, observe.ClientSecretIs{Provider: provider, Good: good})
		}
		return nil
	}
}

func wayOut(open bool) event {
	return func(s *Stage, pick *rand.Rand) error {
		s.w.lasts("way out opens", pick)
		if s.w.closed == open {
			s.w.closed = !open
			s.w.observe(nil, observe.EgressIs{Open: open})
		}
		return nil
	}
}

func sourceMood(mood string) event {
	return func(s *Stage, pick *rand.Rand) error {
		is := observe.SourceIs{Mood: mood}
		if mood == "shrunk" || mood == "repeats" {
			share := pick.Float64()
			for _, id := range slices.Sorted(maps.Keys(s.w.rows)) {
				if pick.Float64() < share {
					is.IDs = append(is.IDs, id)
				}
			}
		}
		s.w.lasts("source is whole", pick)
		s.w.source = is
		s.w.observe(nil, is)
		return nil
	}
}

func relayMood(mood string) event {
	return func(s *Stage, pick *rand.Rand) error {
		s.w.lasts("relay is well", pick)
		if s.w.relay != mood {
			s.w.relay = mood
			s.w.observe(nil, observe.RelayIs{Mood: mood})
		}
		return nil
	}
}

func slackMood(mood string) event {
	return func(s *Stage, pick *rand.Rand) error {
		s.w.lasts("slack is well", pick)
		if s.w.slack.mood != mood {
			s.w.slack.mood = mood
			s.w.observe(nil, observe.SlackIs{Mood: mood})
		}
		return nil
	}
}

// bounces has mail to a contact come back some hours after the relay took it: an operator feeds it in.
func bounces(s *Stage, pick *rand.Rand) error {
	if r := s.w.any(pick, func(r *row) bool { return r.account.ContactEmail != "" }); r != nil {
		s.w.bouncing[audit.FoldAddress(r.account.ContactEmail)] = true
		s.w.observe(nil, observe.BouncesLater{Address: r.account.ContactEmail})
	}
	return nil
}

func clockJump(sign int) event {
	return func(s *Stage, pick *rand.Rand) error {
		by := time.Duration(sign) * time.Duration(1+pick.IntN(oneOf(pick, []int{10, 120, 3000}))) * time.Minute
		s.w.lasts("clock is set right", pick)
		s.w.setClock(time.Duration(s.w.offset.Load()) + by)
		return nil
	}
}

func clockRight(s *Stage, _ *rand.Rand) error {
	s.w.setClock(0)
	return nil
}

func (w *World) setClock(off time.Duration) {
	by := off - time.Duration(w.offset.Load())
	if by == 0 {
		return
	}
	w.offset.Store(int64(off))
	w.observe(nil, observe.ClockMoved{By: by, Off: off})
}

func setting(change func(*Settings, *rand.Rand)) event {
	return func(s *Stage, pick *rand.Rand) error {
		change(&s.w.settings, pick)
		s.configure()
		return nil
	}
}

func changeCaps(s *Settings, pick *rand.Rand) {
	s.MaxPerNight, s.MaxPerRecipient, s.MaxPerTenant = oneOf(pick, []int{1, 5, 50}), oneOf(pick, []int{1, 3}), oneOf(pick, []int{1, 20})
}

func changeGuard(s *Settings, pick *rand.Rand) {
	s.MinNewFailures, s.MaxNewFailures = oneOf(pick, []int{2, 5, 10}), oneOf(pick, []float64{0.01, 0.2, 0.5})
	s.MaxUnreachable, s.MaxSourceLoss = oneOf(pick, []float64{0.1, 0.2}), oneOf(pick, []float64{0.05, 0.5})
}

func changePilot(s *Settings, pick *rand.Rand) {
	s.OnlyTenants, s.OnlyProviders, s.OnlyVerdicts = nil, nil, nil
	switch pick.IntN(4) {
	case 0:
		s.OnlyTenants = []string{"T-1", "T-2", "T-3"}
	case 1:
		s.OnlyProviders = []string{"google", "other"}
	case 2:
		s.OnlyVerdicts = []string{"invalid", "revoked"}
	}
}

func changeAttempts(s *Settings, pick *rand.Rand) {
	s.AttemptsPerDay, s.RecheckRefused = 1+pick.IntN(3), oneOf(pick, []time.Duration{0, 48 * time.Hour, 168 * time.Hour})
	s.ConfirmNights = 1 + pick.IntN(3)
}

// calm repairs everything outside the customers' own mailboxes.
func (s *Stage) calm() error {
	w := s.w
	for _, name := range slices.Sorted(maps.Keys(w.providers)) {
		if w.providers[name].Mood != observe.Well {
			w.setMood(name, observe.Well, 1, 0)
		}
	}
	pick := w.chance("calm")
	for _, end := range []string{"way out opens", "source is whole", "relay is well", "slack is well", "clock is set right"} {
		if err := events[end](s, pick); err != nil {
			return err
		}
	}
	for _, provider := range []string{"google", "microsoft"} {
		if w.client[provider] {
			w.client[provider] = false
			w.observe(nil, observe.ClientSecretIs{Provider: provider, Good: true})
		}
	}
	w.settings.Mode, w.settings.MaxPerNight, w.settings.MaxPerRecipient, w.settings.MaxPerTenant = "live", 1000, 1000, 1000
	w.settings.SendBetween, w.settings.OnlyTenants, w.settings.OnlyProviders, w.settings.OnlyVerdicts = "", nil, nil, nil
	s.configure()
	return nil
}

// oldRows leaves a state as an older program wrote it, which knew less of a night's result.
func oldRows(s *Stage, pick *rand.Rand) error {
	r := s.w.any(pick, nil)
	if r == nil {
		return nil
	}
	s.w.settings.Rows = "0001"
	s.w.observe(nil, s.w.settings.Configured)
	text := strings.ReplaceAll(`UPDATE {}account_states SET run_verdict = '' WHERE account_id = '`+r.account.ID+`'`, "{}", s.host.Tables.Prefix)
	_, err := s.host.Tables.DB.ExecContext(context.Background(), text)
	return err
}
