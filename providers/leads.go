package providers

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// OwnerOf returns the provider whose own domain an address is of (gmail.com, outlook.com), nil if it is nobody's: then
// its owner may have any host.
func (r *Resolver) OwnerOf(address string) *Provider {
	p, _ := r.owner(AddressDomain(address), func(b *Brand) []string { return b.Domains })
	return p
}

// mailNames are the names under which a domain has its own mail server.
var mailNames = []string{"mail", "smtp", "mx"}

// Leads reports whether an address itself leads to a host: its domain is the host's or the provider's own, or its mail
// exchangers are. Other hosts below the domain count for nothing: they may be anybody's. An error means that the name
// service could not tell.
func (r *Resolver) Leads(ctx context.Context, address, host string) (bool, error) {
	domain, host := AddressDomain(address), CanonicalHost(host)
	if domain == "" || host == "" {
		return false, nil
	}
	p, _ := r.owner(host, func(b *Brand) []string { return b.Hosts })
	if own := r.OwnerOf(address); own != nil {
		return own == p, nil
	}
	if name, below := strings.CutSuffix(host, "."+domain); host == domain || below && slices.Contains(mailNames, name) {
		return true, nil
	}
	exchangers, err := r.LookupMX(ctx, domain)
	if err != nil {
		return false, fmt.Errorf("look up the mail exchangers of %s: %w: %w", domain, ErrUndecided, err)
	}
	for i, name := range exchangers {
		name = CanonicalHost(name)
		if name == host {
			return true, nil
		}
		if by, _ := r.owner(name, func(b *Brand) []string { return b.MX }); i == 0 && by != nil && by == p {
			return true, nil
		}
	}
	return false, nil
}
