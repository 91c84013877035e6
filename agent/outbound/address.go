package outbound

import (
	"net/netip"
	"slices"
)

// Networks that are not public (the IANA special-purpose registries), and addresses
// at which clouds answer their machines.
var notPublic = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
	"::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16",
	"fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

// Networks whose addresses hold an IPv4 address, and at which byte: NAT64 and 6to4.
var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
	sixTo4 = netip.MustParsePrefix("2002::/16")
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// IsPublic reports whether an address belongs to a machine that everybody may reach.
func IsPublic(address netip.Addr) bool {
	if address.Zone() != "" || !address.IsValid() {
		return false
	}
	address = address.Unmap()
	bytes := address.As16()
	switch {
	case nat64.Contains(address):
		return IsPublic(netip.AddrFrom4([4]byte(bytes[12:16])))
	case sixTo4.Contains(address):
		return IsPublic(netip.AddrFrom4([4]byte(bytes[2:6])))
	case address.Is6() && [12]byte(bytes[:12]) == [12]byte{}:
		return false
	}
	return address.IsGlobalUnicast() && !slices.ContainsFunc(notPublic, func(p netip.Prefix) bool { return p.Contains(address) })
}
