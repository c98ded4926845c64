"""Which addresses are public: told by a table, for the standard library's word is not enough.

``ipaddress.is_global`` lets through multicast, site-local and many spellings of IPv4 inside IPv6.
Here an IPv4 address is public unless a network of :data:`_NOT_PUBLIC_4` has it, and an IPv6 address
only if it is global unicast (2000::/3) and no network of :data:`_NOT_PUBLIC_6` has it. IPv4 inside
IPv6 is taken out and judged as IPv4. Sources: the IANA registries of special-purpose addresses
(RFC 6890 and its successors), and one address of a cloud's own that lies in a public range.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from vidqa.fetching.rules import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NOT_PUBLIC_4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network; Linux connects 0.0.0.0 to itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT; Alibaba's metadata lie there
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's own services
        "169.254.0.0/16",  # link-local; the metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarking, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4: leads to any IPv4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)


def is_public(address: Address) -> bool:
    """Whether it is anybody's on the Internet, as far as the address alone can tell."""
    inner = unwrapped(address)
    if isinstance(inner, ipaddress.IPv4Address) and _within(inner, _NOT_PUBLIC_4):
        return False
    if isinstance(address, ipaddress.IPv4Address) or address in _MAPPED or address in _NAT64:
        return True
    zoned = address.scope_id is not None
    return not zoned and address in _GLOBAL_6 and not _within(address, _NOT_PUBLIC_6)


def may_connect(address: Address, private: Iterable[Network]) -> bool:
    """Whether it is public, or in one of the networks that are let through."""
    return is_public(address) or _within(unwrapped(address), private)


def unwrapped(address: Address) -> Address:
    """The IPv4 address that a mapped, NAT64 or ISATAP one leads to; any other as it is.

    RFC 4291 s2.5.5.2, RFC 6052 s2.1, RFC 5214 s6.1: the last 32 bits in all three.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return address
    number = int(address)
    isatap = (number >> 32) & 0xFFFFFFFF in _ISATAP
    if address in _MAPPED or address in _NAT64 or isatap:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    return address


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
