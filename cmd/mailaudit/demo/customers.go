package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"mailaudit/audit"
	"mailaudit/providers"
	"mailaudit/providers/sim"
)

// customer is one invented mailbox: what the product has stored, and what is true at the provider.
type customer struct {
	audit.NewAccount
	truth sim.Account
	host  demoHost
}

// demoHost is a kind of mailbox in the invented customer base.
type demoHost struct {
	name   string // of the persona that plays it
	domain string // of addresses; "" is the clinic's own
	host   string // as the customer stored it; "" is the provider's default
	port   int
	share  int // of a hundred customers
	secret func(r *rand.Rand) string
}

// The mix follows what small American clinics use: Google first, then Microsoft, then Yahoo and its brands.
var demoHosts = []demoHost{
	{name: "google", domain: "gmail.com", share: 34, secret: letters16},
	{name: "google", host: "smtp.gmail.com", port: 465, share: 18, secret: letters16Grouped},
	{name: "microsoft", host: "smtp.office365.com", port: 587, share: 19, secret: letters16},
	{name: "microsoft", host: "smtp.office365.com", port: 587, share: 3, secret: ordinary},
	{name: "outlook", domain: "outlook.com", share: 4, secret: letters16},
	{name: "yahoo", domain: "yahoo.com", share: 7, secret: letters16},
	{name: "aol", domain: "aol.com", share: 3, secret: letters16},
	{name: "att", domain: "att.net", share: 2, secret: letters16},
	{name: "apple", domain: "icloud.com", share: 2, secret: appleForm},
	{name: "zoho", domain: "zohomail.com", share: 2, secret: zohoForm},
	{name: "fastmail", domain: "fastmail.com", share: 1, secret: letters16},
	{name: "cpanel", host: demoSharedHost, port: 465, share: 5, secret: ordinary},
}

const demoSharedHost = "mail.hostingcompany.example"

// inventCustomers makes n customers; the same n gives the same ones.
func inventCustomers(n int) []*customer {
	r := rand.New(rand.NewPCG(2026, uint64(n)))
	var all []*customer
	tenant := 0
	var clinic string
	for i := range n {
		if i == 0 || r.IntN(5) > 0 { // most clinics have one mailbox, some several
			tenant++
			clinic = inventClinic(r)
		}
		all = append(all, inventMailbox(r, i, tenant, clinic))
	}
	return all
}

func inventMailbox(r *rand.Rand, i, tenant int, clinic string) *customer {
	host := pickHost(r)
	domain := host.domain
	name := strings.ToLower(Pick(r, "front", "office", "billing", "hello", "intake", "team", "care", "admin"))
	if domain == "" {
		domain = slug(clinic) + ".example"
	} else {
		name += "." + slug(clinic)
	}
	secret := host.secret(r)
	person := Pick(r, "Maria", "James", "Aisha", "Daniel", "Mei", "Olivia", "Samuel", "Priya", "Hannah", "Luis")
	c := &customer{host: host}
	c.NewAccount = audit.NewAccount{
		Account: audit.Account{
			ID:       fmt.Sprintf("acc-%04d", i+1),
			TenantID: fmt.Sprintf("T-%04d", tenant), TenantName: clinic,
			Address: fmt.Sprintf("%s%d@%s", name, i+1, domain), Host: host.host, Port: host.port, Auth: audit.AuthPassword,
			ContactName: person, ContactEmail: strings.ToLower(person) + "@" + slug(clinic) + ".example",
			TimeZone: Pick(r, "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"),
		},
		Secret: providers.NewSecret(secret),
	}
	c.truth = truthOf(host.name, secret)
	return c
}

// truthOf is what is true at the provider where all is well.
func truthOf(kind, secret string) sim.Account {
	if kind == "cpanel" || kind == "microsoft" && strings.ContainsAny(secret, "!#?") {
		return sim.Account{Password: secret} // one factor, and it works
	}
	return sim.Account{Password: "the-owner's-own-1", AppPasswords: []string{strings.ReplaceAll(secret, " ", "")}, TwoFactor: true}
}

func pickHost(r *rand.Rand) demoHost {
	sum := 0
	for _, h := range demoHosts {
		sum += h.share
	}
	at := r.IntN(sum)
	for _, h := range demoHosts {
		if at < h.share {
			return h
		}
		at -= h.share
	}
	panic("shares do not add up")
}

func inventClinic(r *rand.Rand) string {
	return Pick(r, "Maple Street", "Riverside", "Bright Path", "Harbor", "Cedar Grove", "Stepping Stones", "Lakeview", "Sunrise",
		"Blue Heron", "Little Voices", "Northgate", "Willow Creek", "Summit", "Prairie", "Beacon", "Orchard") + " " +
		Pick(r, "Speech Therapy", "Pediatrics", "Physical Therapy", "Family Clinic", "Counseling", "Rehab", "Occupational Therapy")
}

func slug(name string) string { return strings.ToLower(strings.ReplaceAll(name, " ", "")) }

// Pick draws one of several.
func Pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func randomOf(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const lower = "abcdefghijklmnopqrstuvwxyz"

func letters16(r *rand.Rand) string { return randomOf(r, lower, 16) }

func letters16Grouped(r *rand.Rand) string { return Grouped(letters16(r), " ") }

func appleForm(r *rand.Rand) string { return Grouped(letters16(r), "-") }

func zohoForm(r *rand.Rand) string { return randomOf(r, lower+"0123456789", 11) + "7" }

func ordinary(r *rand.Rand) string {
	return Pick(r, "Sunny", "Clinic", "Therapy", "Welcome") + randomOf(r, "23456789", 4) + Pick(r, "!", "#", "?")
}

// Grouped writes 16 signs in groups of four.
func Grouped(s, by string) string {
	return s[:4] + by + s[4:8] + by + s[8:12] + by + s[12:]
}

// csvRow is the customer as a line of accounts.csv.
func (c *customer) csvRow() []string {
	port := ""
	if c.Port != 0 {
		port = fmt.Sprint(c.Port)
	}
	return []string{c.ID, c.TenantID, c.TenantName, c.Address, c.Host, port, c.Secret.Reveal(), c.ContactName, c.ContactEmail, c.TimeZone}
}

var demoColumns = []string{"account_id", "tenant_id", "tenant_name", "address", "host", "port", "secret", "contact_name", "contact_email", "time_zone"}

// demoMonday is the last Monday that is so many days ago, so that no night lies in the future.
func demoMonday(now time.Time, daysAgo int) time.Time {
	d := now.UTC().AddDate(0, 0, -daysAgo)
	for d.Weekday() != time.Monday {
		d = d.AddDate(0, 0, -1)
	}
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, time.UTC)
}
