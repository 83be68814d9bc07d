package providers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
)

// How tells what an account's provider was recognised by.
type How string

const (
	ByHost    How = "host"    // the stored SMTP host
	ByDomain  How = "domain"  // the address's domain
	ByMX      How = "mx"      // the domain's mail exchangers
	ByDefault How = "default" // nothing: "other"
)

// Resolution is the provider of an account.
type Resolution struct {
	Provider *Provider
	Brand    *Brand
	How      How
	// ForeignHost: the customer stored a host that is no provider's own. Only there can a fault of the
	// connection be the customer's setting.
	ForeignHost bool
}

// Resolver finds the provider of an account. It holds no state of its own; callers who resolve many accounts
// of one domain put a cache into LookupMX.
type Resolver struct {
	Providers []*Provider
	Other     *Provider // whose mailbox it is if it is nobody's

	// LookupMX returns a domain's mail exchangers, most preferred first. A domain that has none, or does
	// not exist, gives none; every other failure is an error.
	LookupMX func(ctx context.Context, domain string) ([]string, error)
}

// ErrUndecided means that the name service could not tell tonight whose mailbox an account is.
var ErrUndecided = errors.New("provider undecided")

// Resolve finds the provider by the stored host, and only where none is stored by the address's domain, then
// by the domain's mail exchangers. A stored host that no provider owns is "other". Mail exchangers are a hint
// only: a filter in front of the mailboxes hides them, and gives "other" too. If the name service fails, the
// error wraps [ErrUndecided] and no provider is guessed.
func (r *Resolver) Resolve(ctx context.Context, host, address string) (Resolution, error) {
	domain := AddressDomain(address)
	if host = CanonicalHost(host); host != "" {
		if p, b := r.owner(host, func(b *Brand) []string { return b.Hosts }); p != nil {
			return Resolution{Provider: p, Brand: p.brandOf(b, host, domain), How: ByHost}, nil
		}
		return Resolution{Provider: r.Other, Brand: &r.Other.Brands[0], How: ByHost, ForeignHost: true}, nil
	}
	if p, b := r.owner(domain, func(b *Brand) []string { return b.Domains }); p != nil {
		return Resolution{Provider: p, Brand: b, How: ByDomain}, nil
	}
	unknown := Resolution{Provider: r.Other, Brand: &r.Other.Brands[0], How: ByDefault}
	if !strings.Contains(domain, ".") {
		return unknown, nil
	}
	exchangers, err := r.LookupMX(ctx, domain)
	if err != nil {
		if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
			return unknown, nil
		}
		return Resolution{}, fmt.Errorf("look up the mail exchangers of %s: %w: %w", domain, ErrUndecided, err)
	}
	if len(exchangers) == 0 {
		return unknown, nil
	}
	if p, b := r.owner(CanonicalHost(exchangers[0]), func(b *Brand) []string { return b.MX }); p != nil {
		return Resolution{Provider: p, Brand: b, How: ByMX}, nil
	}
	return unknown, nil
}

// owner finds the brand whose patterns fit a name most closely, nil if none does.
func (r *Resolver) owner(name string, patterns func(*Brand) []string) (provider *Provider, brand *Brand) {
	best := 0
	for _, p := range r.Providers {
		for i := range p.Brands {
			if n := bestMatch(patterns(&p.Brands[i]), name); n > best {
				provider, brand, best = p, &p.Brands[i], n
			}
		}
	}
	return provider, brand
}

// OwnsDomain reports whether an address of the mail domain is a mailbox at a known provider's own domain.
func (r *Resolver) OwnsDomain(domain string) bool {
	_, b := r.owner(CanonicalHost(domain), func(b *Brand) []string { return b.Domains })
	return b != nil
}

// brandOf picks the brand of an account whose stored host its provider owns: the brand that lists the
// address's domain, else one that owns the host and serves customers' own domains, else the host's.
func (p *Provider) brandOf(byHost *Brand, host, domain string) *Brand {
	for i := range p.Brands {
		if bestMatch(p.Brands[i].Domains, domain) > 0 {
			return &p.Brands[i]
		}
	}
	for i := range p.Brands {
		if b := &p.Brands[i]; b.CustomDomains && bestMatch(b.Hosts, host) >= bestMatch(byHost.Hosts, host) {
			return b
		}
	}
	return byHost
}
