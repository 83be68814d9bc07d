package audit

import "time"

// Tally is one provider's run before it is settled.
type Tally struct {
	Count
	First   bool  // no account of the provider has a settled verdict yet
	History []int // newly failing accounts of the last 28 nights that were neither held nor void

	// Beside are the provider's accounts that a narrowed run leaves out, and those of them that began to fail
	// within a night: what many narrowed runs find is judged together.
	Beside Beside
	// Tenants are the shares of the tenants, those beside the run included.
	Tenants map[string]Count
	// Hosts are the shares of the hosts where the provider is many that have nothing to do with each other,
	// which is "other"; nil elsewhere.
	Hosts map[string]HostTally
}

// Count is what the guards count of some accounts.
type Count struct {
	Accounts     int
	NewlyFailing int // failing tonight, fine or unknown before
	Answering    int // that had an answer on their last nights, see [ChronicSince]
	Lost         int // of those: unverified tonight because the provider could not be reached or asked to wait
}

// Add returns the sum of two counts.
func (c Count) Add(more Count) Count {
	c.Accounts += more.Accounts
	c.NewlyFailing += more.NewlyFailing
	c.Answering += more.Answering
	c.Lost += more.Lost
	return c
}

// Beside are accounts outside a run.
type Beside struct{ Accounts, NewlyFailing int }

// HostTally is one host's share of [Tally].
type HostTally struct {
	Count
	First   bool
	Tenants map[string]Count
}

// AddTenant adds accounts of one tenant.
func (t *Tally) AddTenant(tenant string, c Count) {
	if t.Tenants == nil {
		t.Tenants = map[string]Count{}
	}
	t.Count = t.Count.Add(c)
	t.Tenants[tenant] = t.Tenants[tenant].Add(c)
}

// AddBeside adds accounts of one tenant that the run leaves out.
func (t *Tally) AddBeside(tenant string, b Beside) {
	if t.Tenants == nil {
		t.Tenants = map[string]Count{}
	}
	t.Beside.Accounts += b.Accounts
	t.Beside.NewlyFailing += b.NewlyFailing
	t.Tenants[tenant] = t.Tenants[tenant].Add(Count{Accounts: b.Accounts, NewlyFailing: b.NewlyFailing})
}

// AddHost adds accounts of one tenant at a host.
func (t *Tally) AddHost(host, tenant string, c Count, first bool) {
	sum, known := t.Hosts[host]
	if !known {
		sum = HostTally{First: true, Tenants: map[string]Count{}}
	}
	sum.Count = sum.Count.Add(c)
	sum.First = sum.First && first
	sum.Tenants[tenant] = sum.Tenants[tenant].Add(c)
	t.Hosts[host] = sum
}

// chronicNights is how many nights without an answer put an account on the standing list of those that do not answer.
const chronicNights = 3

// ChronicSince is the moment for a run that began at started: an account without an answer since then or longer has
// not answered for three nights. The guards do not count it, and operations see it on a list of its own.
func ChronicSince(started time.Time) time.Time { return started.Add(-chronicNights * NightsApart) }

const (
	// HistoryNights is how many nights the guard looks back.
	HistoryNights = 28
)

// WithHistory fills the tallies' histories from earlier runs.
func WithHistory(tallies map[string]Tally, before []Run) map[string]Tally {
	for name, t := range tallies {
		for _, run := range before {
			if run.Numbers == nil {
				continue
			}
			if p := run.Numbers.Providers[name]; p != nil && !p.Held && !p.Void {
				t.History = append(t.History, p.Changes.NewlyFailing)
			}
		}
		tallies[name] = t
	}
	return tallies
}
