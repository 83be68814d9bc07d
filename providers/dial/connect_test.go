package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// An address that swallows packets takes its share of the time and leaves the rest to the others.
func TestTimeIsShared(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Hour)
	defer cancel()
	var ends []time.Time
	d := &Dialer{
		cfg: Config{Resolver: book{answer: []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"}}, AllowPrivate: true},
		dial: func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
			end, _ := ctx.Deadline()
			ends = append(ends, end)
			return nil, context.DeadlineExceeded
		},
	}
	if _, _, err := d.connect(ctx, "mail.clinic.example", 465, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	whole, _ := ctx.Deadline()
	if len(ends) != maxAddresses || !ends[0].Before(whole.Add(-2*time.Hour)) || !ends[maxAddresses-1].Equal(whole) {
		t.Errorf("the addresses' ends are %v, of %s", ends, whole)
	}
}

// An exchange with a token endpoint that has begun is waited for, and no longer than the conversation may take.
func TestExchangeHasNoLongerThanTheConversation(t *testing.T) {
	conversation, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	ctx, stop, _ := (&talk{ctx: conversation}).onceSent()
	defer stop()
	end, _ := conversation.Deadline()
	if within, ok := ctx.Deadline(); !ok || within.After(end.Add(refreshWithin/2)) {
		t.Errorf("it may take until %s, the conversation until %s", within, end)
	}
}

// book is a resolver of one answer, which notes what it is asked for.
type book struct {
	answer []string
	err    error
	asked  *[]string
}

func (b book) LookupNetIP(_ context.Context, _, host string) (addrs []netip.Addr, err error) {
	if b.asked != nil {
		*b.asked = append(*b.asked, host)
	}
	for _, a := range b.answer {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	return addrs, b.err
}

// No search list is tried for a name with a dot, and "no such host" is believed after the strict question alone.
func TestSystemResolver(t *testing.T) {
	gone, failed := &net.DNSError{IsNotFound: true}, &net.DNSError{IsTemporary: true}
	for _, tt := range []struct {
		host          string
		usual, strict error
		want          error
		asked         []string
	}{
		{"mail.clinic.example", nil, failed, nil, []string{"mail.clinic.example."}},
		{"mail.clinic.example.", nil, failed, nil, []string{"mail.clinic.example."}},
		{"localhost", nil, failed, nil, []string{"localhost"}},
		{"mail.clinic.example", gone, failed, failed, []string{"mail.clinic.example.", "mail.clinic.example."}},
		{"mail.clinic.example", gone, gone, gone, []string{"mail.clinic.example.", "mail.clinic.example."}},
		{"mail.clinic.example", failed, nil, failed, []string{"mail.clinic.example."}},
	} {
		var asked []string
		s := systemResolver{usual: book{err: tt.usual, asked: &asked}, strict: book{err: tt.strict, asked: &asked}}
		if _, err := s.LookupNetIP(t.Context(), "ip", tt.host); err != tt.want || !slices.Equal(asked, tt.asked) {
			t.Errorf("%s, %v, then %v: %v, asked for %q", tt.host, tt.usual, tt.strict, err, asked)
		}
	}
	if strict, ok := ofSystem().strict.(*net.Resolver); !ok || !strict.StrictErrors || !strict.PreferGo {
		t.Error("the second question is not strict")
	}
}
