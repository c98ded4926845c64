"""What may be fetched, from where, how large, in what time: frozen, and closed by default."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from vidqa.errors import SettingsError

ANY_PUBLIC_HOST = "*"
"""A domain that stands for every host whose addresses are all public."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAME = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DOMAIN = re.compile(rf"(?:\*\.)?{_NAME}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRules:
    """The rules of one kind of request; without domains nothing is fetched.

    Raises :class:`SettingsError` on a domain or a network that is none.
    """

    allowed_domains: tuple[str, ...] = ()
    """``media.example.org`` is that host alone, ``*.example.org`` every host below it, and
    :data:`ANY_PUBLIC_HOST` all hosts. An IP address may stand here too."""
    private_networks: tuple[str, ...] = ()
    """Networks whose addresses are let through although they are not public: ``10.1.0.0/16``."""
    ports: frozenset[int] = frozenset({80, 443})
    largest_bytes: int = 4_000_000_000
    """Most bytes of one answer."""
    redirects: int = 3
    """Most redirects followed; each is checked like the first URL."""
    connect_s: float = 5.0
    """Longest wait for a name, and for a connection to one address, in seconds."""
    silence_s: float = 20.0
    """Longest wait for the next bytes, in seconds."""
    total_s: float = 1800.0
    """Longest time for everything together, in seconds."""

    def __post_init__(self) -> None:
        for domain in self.allowed_domains:
            if domain != ANY_PUBLIC_HOST and not _is_host(domain):
                raise SettingsError(
                    f"{domain!r} is no domain to fetch from",
                    code="setting_invalid",
                    next_step="Write media.example.org, *.example.org, an IP address, or * for"
                    " every public host, in lower case.",
                )
        self.networks  # noqa: B018  (raises on what is no network)

    @property
    def networks(self) -> tuple[Network, ...]:
        """``private_networks``, read."""
        return tuple(_network(text) for text in self.private_networks)

    def allows(self, host: str) -> bool:
        """Whether a domain names this host (lower case, without a last dot)."""
        return any(_names(domain, host) for domain in self.allowed_domains)


def _names(domain: str, host: str) -> bool:
    if domain == ANY_PUBLIC_HOST:
        return True
    if domain.startswith("*."):
        return host.endswith(domain[1:]) and len(host) > len(domain) - 1
    return host == domain


def _is_host(text: str) -> bool:
    try:
        return str(ipaddress.ip_address(text)) == text
    except ValueError:
        return _DOMAIN.fullmatch(text) is not None


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as err:
        raise SettingsError(
            f"{text!r} is no network ({err})",
            code="setting_invalid",
            next_step="Write it as 10.1.0.0/16 or fd00:1::/32.",
        ) from err
