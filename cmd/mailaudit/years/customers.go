package years

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"mailaudit/audit"
	"mailaudit/cmd/mailaudit/years/observe"
	"mailaudit/providers"
	"mailaudit/providers/sim"
)

// Setup says how many customers there are at first.
type Setup struct {
	Tenants int
}

var (
	locales = []string{"", "", "en", "es", "fr", "de", "xx-rubbish", "EN_us"}
	zones   = []string{"", "", "America/New_York", "America/Los_Angeles", "Europe/Berlin", "Pacific/Auckland", "Asia/Kolkata", "Mars/Olympus", "America/Phoenix"}
	// sizes are mailboxes a tenant: most have few.
	sizes = []int{1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 12}
)

// settle has the first customers join.
func (w *World) settle(s Setup) error {
	for range s.Tenants {
		if _, err := w.join(w.chance("tenant", len(w.tenants))); err != nil {
			return err
		}
	}
	return nil
}

// join adds a tenant with its mailboxes.
func (w *World) join(pick *rand.Rand) (*tenant, error) {
	n := len(w.tenants) + 1
	t := &tenant{
		id: fmt.Sprintf("T-%d", n), name: fmt.Sprintf("Clinic No. %d", n),
		locale: oneOf(pick, locales), zone: oneOf(pick, zones), contactName: fmt.Sprintf("Front Desk %d", n),
	}
	t.contact = w.contact(pick, t)
	w.tenants = append(w.tenants, t)
	var rows []*row
	for range sizes[pick.IntN(len(sizes))] {
		rows = append(rows, w.newRow(pick, t))
	}
	return t, w.put(rows...)
}

// contact is who hears of a tenant's mailboxes: mostly one of its own, sometimes another tenant's too (an agency),
// or nobody that can be written to.
func (w *World) contact(pick *rand.Rand, t *tenant) string {
	switch c := pick.IntN(20); {
	case c < 12:
		return fmt.Sprintf("desk%s@contacts.example", strings.TrimPrefix(t.id, "T-"))
	case c < 16:
		return fmt.Sprintf("agency%d@contacts.example", pick.IntN(3))
	case c == 16:
		return ""
	case c == 17:
		return fmt.Sprintf("first%[1]s@contacts.example, second%[1]s@contacts.example", strings.TrimPrefix(t.id, "T-"))
	case c == 18:
		return fmt.Sprintf("Desk%s@Contacts.Example", strings.TrimPrefix(t.id, "T-")) // the same as in lower case
	}
	return "not an address"
}

// newRow gives a tenant a mailbox, with a secret that works most of the time.
func (w *World) newRow(pick *rand.Rand, t *tenant) *row {
	w.made++
	r := &row{tenant: t, account: audit.Account{
		ID: fmt.Sprintf("a-%04d", w.made), TenantID: t.id, TenantName: t.name, Auth: audit.AuthPassword,
		ContactName: t.contactName, ContactEmail: t.contact, Locale: t.locale, TimeZone: t.zone,
	}}
	if old := w.shared(pick); old != nil { // the same mailbox, stored by another tenant, or twice by one
		r.box, r.account.Address, r.account.Host, r.account.Port, r.account.Security = old.box, old.account.Address, old.account.Host, old.account.Port, old.account.Security
		r.account.Auth, r.secret = old.account.Auth, old.secret
		if r.account.Auth == audit.AuthOAuth2 { // each consent has a grant of its own
			r.box.issued++
			r.secret = fmt.Sprintf("refresh-%d-%d", r.box.n, r.box.issued)
			r.box.refresh[r.secret] = true
		}
	} else {
		w.newBox(pick, r)
	}
	if pick.IntN(12) == 0 {
		r.account.ContactEmail = r.account.Address // the contact is the mailbox
	}
	t.rows = append(t.rows, r)
	return r
}

func (w *World) shared(pick *rand.Rand) *row {
	if pick.IntN(15) > 0 {
		return nil
	}
	return w.any(pick, func(r *row) bool { return w.canary(r.account.ID) == "" })
}

// kinds are the providers' shares among the mailboxes.
var kinds = []string{"google", "google", "google", "google", "microsoft", "microsoft", "microsoft", "yahoo", "apple", "zoho", "fastmail", "other", "other"}

// newBox opens a mailbox at a provider for the row. Names differ in their first two letters, so that a masked one
// is known again.
func (w *World) newBox(pick *rand.Rand, r *row) {
	n := w.made
	name := string([]byte{'a' + byte(n/26%26), 'a' + byte(n%26)}) + fmt.Sprintf("mail%d", n)
	b := &box{provider: oneOf(pick, kinds)}
	clinic := fmt.Sprintf("clinic%d.example", n)
	a := &r.account
	switch b.provider {
	case "google":
		b.persona = sim.Google()
		a.Address = name + "@gmail.com"
		if pick.IntN(2) == 0 {
			a.Address = name + "@g-" + clinic
		}
	case "microsoft":
		b.persona = sim.Microsoft365()
		a.Address = name + "@m-" + clinic
	case "yahoo":
		b.persona = sim.Yahoo()
		a.Address = name + "@yahoo.com"
	case "apple":
		b.persona = sim.Apple()
		a.Address = name + "@icloud.com"
	case "zoho":
		b.persona = sim.Zoho()
		a.Address = name + "@zoho.com"
	case "fastmail":
		b.persona = sim.Fastmail()
		a.Address = name + "@fastmail.com"
	default:
		b.persona = sim.Dovecot()
		a.Address = name + "@" + clinic
		a.Host = "mail.host" + fmt.Sprint(n%4) + ".example" // four hosts for all of them
		if pick.IntN(2) == 0 {
			b.persona = sim.CPanel()
			a.Port, a.Security = 465, providers.ImplicitTLS
		}
	}
	b.login = strings.ToLower(a.Address)
	w.boxes[b.login] = b
	b.account = sim.Account{Password: fmt.Sprintf("Own-Pass-%d!", n), AppPasswords: []string{appPassword(b.provider, n, 0)}, TwoFactor: true}
	r.box = b
	switch b.provider {
	case "other":
		r.secret, b.account.TwoFactor = b.account.Password, false
	case "microsoft":
		if pick.IntN(3) == 0 {
			r.secret, b.account.TwoFactor = b.account.Password, false
			break
		}
		r.secret = b.account.AppPasswords[0]
	default:
		r.secret = b.account.AppPasswords[0]
	}
	if (b.provider == "google" || b.provider == "microsoft") && pick.IntN(4) == 0 {
		a.Auth = audit.AuthOAuth2
		r.secret = fmt.Sprintf("refresh-%d-0", n)
		b.refresh = map[string]bool{r.secret: true}
	}
	if pick.IntN(12) == 0 {
		r.secret = wrongSecret(b.provider, n, 0) // broken from the first day
	}
	b.n = n
}

// appPassword is the k-th app password of a mailbox, in its provider's form.
func appPassword(provider string, n, k int) string {
	letters := make([]byte, 16)
	x := uint64(n)*2654435761 + uint64(k)*40503 + 12345
	for i := range letters {
		x = x*6364136223846793005 + 1442695040888963407
		letters[i] = 'a' + byte(x>>33%26)
	}
	text := string(letters)
	switch provider {
	case "apple":
		return text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
	case "zoho":
		return text[:12]
	}
	return text
}

func wrongSecret(provider string, n, k int) string { return appPassword(provider, n, 1000+k) }

func oneOf[T any](pick *rand.Rand, of []T) T { return of[pick.IntN(len(of))] }

// leave takes a tenant's mailbox away.
func (w *World) tenantsWithRows() []*tenant {
	return slices.DeleteFunc(slices.Clone(w.tenants), func(t *tenant) bool { return len(t.rows) == 0 })
}

var _ observe.What = observe.AccountIs{}
