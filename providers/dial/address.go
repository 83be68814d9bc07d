package dial

import (
	"net/netip"
	"slices"
)

var (
	// IPv4 blocks that the IANA special-purpose registry (RFC 6890) marks as not globally reachable, and
	// where something of ours may listen.
	refusedIPv4 = prefixes(
		"0.0.0.0/8",        // this network
		"10.0.0.0/8",       // private, RFC 1918
		"100.64.0.0/10",    // shared by carriers, RFC 6598
		"127.0.0.0/8",      // loopback
		"168.63.129.16/32", // the host of a machine at Azure, from within it
		"169.254.0.0/16",   // link-local, and the metadata services of clouds
		"172.16.0.0/12",    // private
		"192.0.0.0/24",     // protocol assignments
		"192.168.0.0/16",   // private
		"198.18.0.0/15",    // benchmarks, used inside networks
		"224.0.0.0/4",      // multicast
		"240.0.0.0/4",      // reserved, limited broadcast
	)
	globalIPv6 = netip.MustParsePrefix("2000::/3") // all that has been given out, RFC 4291 and IANA
	teredo     = netip.MustParsePrefix("2001::/32")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	nat64      = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052: what DNS64 makes of an IPv4 address
)

func prefixes(all ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(all))
	for i, s := range all {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// Public reports whether an account's host may be dialled at addr: an address of the public internet, in
// itself and in the IPv4 address that it embeds. An account names its own host, so without this check a
// customer could have us knock inside our own network.
func Public(addr netip.Addr) bool {
	if !addr.IsValid() || addr.Zone() != "" {
		return false
	}
	addr = addr.Unmap()
	if addr.Is4() {
		for _, p := range refusedIPv4 {
			if p.Contains(addr) {
				return false
			}
		}
		return true
	}
	if inner, ok := embedded(addr); ok {
		return Public(inner)
	}
	return globalIPv6.Contains(addr) && !teredo.Contains(addr)
}

// embedded is the IPv4 address that a gateway makes of an IPv6 one.
func embedded(addr netip.Addr) (netip.Addr, bool) {
	b := addr.As16()
	switch {
	case nat64.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

// denied reports whether the operator has ruled out addr, in itself or in the IPv4 address that it embeds.
func denied(deny []netip.Prefix, addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	inner, embeds := embedded(addr)
	return slices.ContainsFunc(deny, func(p netip.Prefix) bool {
		return p.Contains(addr) || embeds && p.Contains(inner)
	})
}
