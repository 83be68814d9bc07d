package demo

import (
	"math/rand/v2"

	"mailaudit/providers"
	"mailaudit/providers/sim"
)

// story is what happens to the invented customers from night to night.
type story struct {
	world     *sim.World
	customers []*customer
	random    *rand.Rand
	broken    []*customer // with an open finding, oldest first
}

func newStory(customers []*customer) *story {
	s := &story{world: sim.NewWorld(), customers: customers, random: rand.New(rand.NewPCG(7, 7))}
	for _, c := range customers {
		s.world.Set(c.Address, c.truth)
	}
	return s
}

// of gives the first n customers of a kind that nothing has happened to yet.
func (s *story) of(kind string, n int) []*customer {
	var found []*customer
	for _, c := range s.customers {
		if c.host.name == kind && len(found) < n && !s.isBroken(c) {
			found = append(found, c)
		}
	}
	return found
}

func (s *story) isBroken(c *customer) bool {
	for _, b := range s.broken {
		if b == c {
			return true
		}
	}
	return false
}

// befall changes the truth about a few customers of a kind.
func (s *story) befall(kind string, n int, change func(*customer, *sim.Account)) {
	for _, c := range s.of(kind, n) {
		s.world.Change(c.Address, func(a *sim.Account) { change(c, a) })
		s.broken = append(s.broken, c)
	}
}

// share is a number of customers that grows with the customer base, at least one.
func (s *story) share(perMille int) int { return max(1, len(s.customers)*perMille/1000) }

func removedAppPassword(_ *customer, a *sim.Account) { a.AppPasswords = nil }
func changedPassword(_ *customer, a *sim.Account)    { a.Password += "-changed" }
func inState(state sim.State) func(*customer, *sim.Account) {
	return func(_ *customer, a *sim.Account) { a.State = state }
}

// ordinaryStored: the product holds the mailbox's ordinary password.
func (s *story) ordinaryStored(twoFactor bool) func(*customer, *sim.Account) {
	return func(c *customer, a *sim.Account) {
		password := ordinary(s.random)
		c.Secret = providers.NewSecret(password)
		a.Password, a.AppPasswords, a.TwoFactor = password, nil, twoFactor
	}
}

// beforeTheFirstNight is what the audit finds when it first looks: nobody had checked for years.
func (s *story) beforeTheFirstNight() {
	s.befall("google", s.share(12), s.ordinaryStored(true))
	s.befall("google", s.share(12), s.ordinaryStored(false))
	s.befall("zoho", 1, s.ordinaryStored(false))
	s.befall("yahoo", 1, removedAppPassword)
	s.befall("microsoft", s.share(8), inState(sim.SMTPAuthDisabled))
	s.befall("cpanel", 1, changedPassword)
}

// after tells what happens between the nights; night counts from 1. It returns the customers who have
// stored a new secret, and whether Yahoo is down tonight.
func (s *story) after(night int) (repaired []*customer, yahooDown bool) {
	switch night {
	case 1:
		s.befall("google", s.share(12), removedAppPassword)
		s.befall("google", 1, inState(sim.BrowserSignIn))
		s.befall("aol", 1, removedAppPassword)
	case 2:
		s.befall("apple", 1, removedAppPassword)
		s.befall("microsoft", 1, changedPassword)
		return s.repair(s.share(16)), true
	default:
		s.befall("google", 1, removedAppPassword)
		return s.repair(s.share(12)), false
	}
	return nil, false
}

// policyReachesMany is a night on which an administrators' policy reaches many mailboxes at once: a guard holds the e-mails.
func (s *story) policyReachesMany() {
	s.befall("microsoft", s.share(50), inState(sim.SMTPAuthDisabled))
}

// repair has the n customers who waited longest follow the guide.
func (s *story) repair(n int) []*customer {
	var repaired []*customer
	for _, c := range s.broken {
		if c.host.name == "outlook" || len(repaired) == n {
			continue
		}
		fresh := c.host.secret(s.random)
		c.Secret = providers.NewSecret(fresh)
		truth := truthOf(c.host.name, fresh)
		s.world.Set(c.Address, truth)
		repaired = append(repaired, c)
	}
	s.broken = s.broken[len(repaired):]
	return repaired
}

// personas says who plays each kind of mailbox.
func personas() map[string]sim.Persona {
	shared := sim.CPanel()
	shared.Hosts = append([]string{demoSharedHost}, shared.Hosts...)
	return map[string]sim.Persona{
		"google": sim.Google(), "microsoft": sim.Microsoft365(), "outlook": sim.Outlook(), "yahoo": sim.Yahoo(), "aol": sim.AOL(),
		"att": sim.ATT(), "apple": sim.Apple(), "zoho": sim.Zoho(), "fastmail": sim.Fastmail(), "cpanel": shared,
	}
}
