package audit

// Tally is one provider's night before it is settled.
type Tally struct {
	Accounts     int
	NewlyFailing int   // failing tonight, fine or unknown before
	Silent       int   // unverified because the provider could not be reached or asked to wait
	First        bool  // no account of the provider has a settled verdict yet
	History      []int // newly failing accounts of the last 28 nights that were neither held nor void

	// Beside are the provider's accounts that a narrowed run leaves out, and those of them that began to fail
	// within a night: what many narrowed runs find is judged together.
	Beside Beside
	// Hosts are the shares of the hosts where the provider is many that have nothing to do with each other,
	// which is "other"; nil elsewhere.
	Hosts map[string]HostTally
}

// Beside are accounts outside a run.
type Beside struct{ Accounts, NewlyFailing int }

// HostTally is one host's share of [Tally].
type HostTally struct {
	Accounts     int
	NewlyFailing int
	Tenants      map[string]bool // with new failures
	Silent       int
	First        bool
}

// AddHost adds accounts of one tenant at a host.
func (t *Tally) AddHost(host, tenant string, h HostTally) {
	sum, known := t.Hosts[host]
	sum.Accounts += h.Accounts
	sum.NewlyFailing += h.NewlyFailing
	sum.Silent += h.Silent
	sum.First = h.First && (sum.First || !known)
	if h.NewlyFailing > 0 {
		if sum.Tenants == nil {
			sum.Tenants = map[string]bool{}
		}
		sum.Tenants[tenant] = true
	}
	t.Hosts[host] = sum
}

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
