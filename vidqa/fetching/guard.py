"""Whether a URL may be asked for: read once, its host named by a rule, all its addresses checked.

``text -> check -> Target -> addresses_of -> addresses that may be connected to``

What is connected to is an address that was checked here, never the name again: a name that gives
another answer the second time gains nothing. Messages never tell an address, nor whether a name
exists: whoever asks may not be somebody who should know what lies in this network.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from vidqa.errors import FetchError
from vidqa.fetching.addresses import Address, may_connect
from vidqa.fetching.network import Network
from vidqa.fetching.rules import FetchRules

LONGEST_URL = 4096
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
)
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
"""A last label that is a number: an IPv4 address, in whatever spelling (WHATWG URL s3.5)."""
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\<>^`{|}\"]")
_PATH_SAFE = "/:@!$&'()*+,;=-._~%?"


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be asked for, in its parts."""

    scheme: str
    host: str
    """Lower case, without brackets, user or last dot."""
    port: int
    path: str
    """With the query; begins with a slash, ASCII."""

    @property
    def netloc(self) -> str:
        """What a ``Host`` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL written anew from the parts that were checked."""
        return f"{self.scheme}://{self.netloc}{self.path}"


def check(url: str, rules: FetchRules) -> Target:
    """The parts of a URL that the rules allow; no name is resolved.

    Raises :class:`FetchError`: ``url_invalid`` for what is no http or https URL in its plain form,
    ``url_refused`` where no rule names its host or port.
    """
    parts = _split(url)
    host = _host(url, parts)
    port = _port(url, parts)
    if not rules.allowed_domains:
        raise FetchError(
            "nothing is fetched from URLs here",
            code="url_refused",
            next_step="Upload the file, or have allowed_media_domains name the host.",
        )
    if not rules.allows(host):
        raise FetchError(
            f"{_told(url)}: nothing is fetched from the host {host}",
            code="url_refused",
            next_step="Upload the file, or have allowed_media_domains name the host.",
        )
    if port not in rules.ports:
        raise FetchError(
            f"{_told(url)}: nothing is fetched from port {port}",
            code="url_refused",
            next_step=f"Use one of the ports {', '.join(map(str, sorted(rules.ports)))}.",
        )
    query = f"?{parts.query}" if parts.query else ""
    return Target(
        parts.scheme.lower(), host, port, quote(f"{parts.path or '/'}{query}", _PATH_SAFE)
    )


def redirected(source: Target, location: str, rules: FetchRules) -> Target:
    """Where an answer sends us, checked like any URL; never from https to http."""
    target = check(urljoin(source.url, location), rules)
    if (source.scheme, target.scheme) == ("https", "http"):
        raise FetchError(
            f"{source.url}: leads to a URL without TLS",
            code="url_refused",
            next_step="Give the URL that it leads to, if that host may be trusted without TLS.",
        )
    return target


def addresses_of(target: Target, rules: FetchRules, network: Network) -> tuple[Address, ...]:
    """The addresses of the host, in the resolver's order; every one of them may be connected to.

    Raises :class:`FetchError` ``url_host_refused`` when the name has none, or one that is neither
    public nor let through: one bad answer condemns the name.
    """
    found = network.resolve(target.host, target.port, rules.connect_s)
    addresses = tuple(dict.fromkeys(ipaddress.ip_address(text) for text in found))
    private = rules.networks
    if not addresses or not all(may_connect(address, private) for address in addresses):
        raise FetchError(
            f"{target.url}: the host {target.host} has no public address, or not only public ones",
            code="url_host_refused",
            next_step="Check the spelling of the host, or upload the file.",
        )
    return addresses


def _split(url: str) -> SplitResult:
    if len(url) > LONGEST_URL:
        raise _invalid(url, f"longer than {LONGEST_URL} characters")
    if _FORBIDDEN.search(url):
        raise _invalid(url, "a space, a control character or a sign that must be written as %XX")
    try:
        parts = urlsplit(url)
    except ValueError as err:
        raise _invalid(url, str(err)) from err
    if parts.scheme.lower() not in _PORTS:
        raise _invalid(url, "only http and https URLs are fetched")
    if not url[len(parts.scheme) :].startswith("://") or not parts.netloc:
        raise _invalid(url, "no host")
    if "@" in parts.netloc:
        raise _invalid("...@...", "a user or password in it")
    return parts


def _host(url: str, parts: SplitResult) -> str:
    try:
        host = (parts.hostname or "").removesuffix(".")
    except ValueError as err:
        raise _invalid(url, str(err)) from err
    if parts.netloc.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError as err:
            raise _invalid(url, "no IPv6 address in the brackets") from err
    if _NUMERIC.fullmatch(host):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError as err:
            raise _invalid(url, "a host that is a number in an unusual spelling") from err
    if len(host) > 253 or not _HOST.fullmatch(host):
        raise _invalid(url, "a host that is no plain name (write international ones as xn--...)")
    return host


def _port(url: str, parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError as err:
        raise _invalid(url, str(err)) from err
    return _PORTS[parts.scheme.lower()] if port is None else port


def _told(url: str) -> str:
    """A URL as messages show it: without what may be secret in its query."""
    return url.split("?", 1)[0].split("#", 1)[0][:200]


def _invalid(url: str, why: str) -> FetchError:
    return FetchError(
        f"{_told(url)!r} cannot be fetched: {why}",
        code="url_invalid",
        next_step="Give a plain URL: https://media.example.org/film.mp4.",
    )
