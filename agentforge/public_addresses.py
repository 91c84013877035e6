"""Which network addresses are public: a table of what is, so that whatever a registry adds is not.

Sources: https://www.iana.org/assignments/ipv6-unicast-address-assignments,
https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# IPv4 has no unassigned space left: all unicast addresses but these.
_NOT_PUBLIC_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carriers' translation
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure's services inside its cloud
            "169.254.0.0/16",  # link-local, clouds' metadata
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments, Oracle's metadata
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
# What the regional registries assign from. Not in it, among others: loopback, mapped and compatible IPv4,
# 64:ff9b:1::/48, 100::/64, 2002::/16 (6to4), 3fff::/20, 5f00::/16, fc00::/7, fe80::/10, fec0::/10, ff00::/8.
_ASSIGNED_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/16",
            "2003::/18",
            "2400::/12",
            "2410::/12",
            "2600::/12",
            "2610::/23",
            "2620::/23",
            "2630::/12",
            "2800::/12",
            "2a00::/12",
            "2a10::/12",
            "2c00::/12",
        ),
    )
)
_NOT_PUBLIC_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
            "2001:db8::/32",  # documentation
            "2620:4f:8000::/48",  # sink of reverse look-ups
        ),
    )
)
# Translation to IPv4: as public as the address in its last 32 bits.
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Return whether an address belongs to the public internet; raises ValueError for no address."""
    # A scope (fe80::1%eth0) is never public.
    parsed = ip_address(address)
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in _NOT_PUBLIC_V4)
    if parsed.scope_id:
        return False
    if parsed in _NAT64:
        return is_public(str(IPv4Address(int(parsed) & 0xFFFFFFFF)))
    return _is_assigned(parsed)


def _is_assigned(address: IPv6Address) -> bool:
    return any(address in network for network in _ASSIGNED_V6) and not any(
        address in network for network in _NOT_PUBLIC_V6
    )
