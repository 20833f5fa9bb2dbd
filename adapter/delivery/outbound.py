"""Where this server may send to, and the one way in which it does: resolved once, checked, pinned, bounded.

An endpoint is data from a partner, so it may name our own network (server-side request forgery). Python's `is_global`
alone is not enough: it calls `64:ff9b::7f00:1`, which a NAT64 gateway turns into 127.0.0.1, global. RFC 6890 (special
addresses), RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import requests
from requests.adapters import HTTPAdapter

from adapter.domain.errors import BusinessRule

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Iterable[str]]

CONNECT_SECONDS: Final = 3.0
READ_SECONDS: Final = 10.0
TOTAL_SECONDS: Final = 15.0
"""A reply that trickles is cut here; the queue's lease on a probe is longer than this."""
REPLY_BYTES: Final = 64 * 1024

_GLOBAL_UNICAST = ip_network("2000::/3")
# Inside 2000::/3, but an IPv4 address, perhaps of our own network, is hidden in them.
_TRANSLATED = tuple(ip_network(n) for n in ("2001::/23", "2002::/16", "3fff::/20"))
# Special, but global for some versions of Python: protocol assignments (a cloud's metadata is there), the 6to4 relay.
_SPECIAL = tuple(ip_network(n) for n in ("192.0.0.0/24", "192.88.99.0/24"))


def is_public(address: Address) -> bool:
    """Whether the address is an ordinary one of the Internet, and no other address is hidden in it."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL)
    return address in _GLOBAL_UNICAST and not any(address in network for network in _TRANSLATED)


def is_loopback(address: Address) -> bool:
    return address.is_loopback and getattr(address, "ipv4_mapped", None) is None


@dataclass(frozen=True, slots=True)
class OutboundRule:
    """Which endpoints are allowed: by scheme and by what they resolve to."""

    schemes: frozenset[str]
    permits: Callable[[Address], bool]
    expected: str


PRODUCTION: Final = OutboundRule(frozenset({"https"}), is_public, "an https address on the public Internet")
DEMO: Final = OutboundRule(frozenset({"http", "https"}), is_loopback, "an address of this machine (demo mode)")


def outbound_rule(production: bool, networks: Iterable[Network] = ()) -> OutboundRule:
    """The rule of a mode; `networks` are private networks of partners that production may reach beside the Internet."""
    if not production:
        return DEMO
    own = tuple(networks)
    if not own:
        return PRODUCTION
    return OutboundRule(
        PRODUCTION.schemes,
        lambda address: is_public(address) or any(address in network for network in own),
        f"{PRODUCTION.expected} or in a network named in HANDOFF_OUTBOUND_NETWORKS",
    )


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint that was checked: connect to `address`, speak to `host`."""

    url: str
    scheme: str
    host: str
    port: int
    address: str

    @property
    def authority(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _DEFAULT_PORTS[self.scheme] else f"{name}:{self.port}"


_DEFAULT_PORTS = {"http": 80, "https": 443}


def system_resolver(host: str, port: int) -> list[str]:
    """All addresses of `host`; empty when it has none."""
    try:
        return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return []


def check(url: str, rule: OutboundRule, resolver: Resolver = system_resolver) -> Target:
    """Resolve `url` once and check every address that it has; raises BusinessRule with code `security`.

    One forbidden address among several refuses the endpoint: a name that mixes them is made to be rebound."""
    parts = _split(url)
    if parts is None or parts.scheme not in rule.schemes or not parts.hostname:
        raise _refused(rule, "no address that may be used")
    if parts.username is not None or parts.password is not None:
        raise _refused(rule, "an address with credentials in it")
    host = parts.hostname
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    literal = _literal(host)
    if literal is None and _looks_numeric(host):
        raise _refused(rule, "a number in an unusual form instead of a name")
    addresses = [literal] if literal else [_parsed(text) for text in resolver(host, port)]
    if not addresses:
        raise Unresolvable("expected an endpoint whose name can be resolved, got one that has no address")
    if not all(address is not None and rule.permits(address) for address in addresses):
        raise _refused(rule, "an address outside of that")
    return Target(url=url, scheme=parts.scheme, host=host, port=port, address=str(addresses[0]))


class Unresolvable(BusinessRule):
    """The name has no address at the moment; that may pass."""

    default_code = "not-found"


def _refused(rule: OutboundRule, got: str) -> BusinessRule:
    return BusinessRule(f"expected {rule.expected} as endpoint, got {got}", code="security")


def _split(url: str) -> SplitResult | None:
    # Control characters, blanks and backslashes are read differently by different parsers: refused before any does.
    if not url.isascii() or any(c <= " " or c == "\x7f" or c == "\\" for c in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _parsed(text: str) -> Address | None:
    return _literal(text.partition("%")[0]) if "%" not in text else None


def _looks_numeric(host: str) -> bool:
    """`2130706433`, `0x7f.1` and `0177.0.0.1` are 127.0.0.1 for some resolvers (https://url.spec.whatwg.org/, "ends in
    a number")."""
    last = host.rstrip(".").rpartition(".")[2]
    return last.isdigit() or last.startswith("0x")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: at most REPLY_BYTES of the body, as sent (still compressed, if it was)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Pinned(HTTPAdapter):
    """Connects to the address that was checked, while TLS and the Host header keep to the name."""

    def __init__(self, target: Target):
        self._target = target
        super().__init__()

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host: dict[str, Any]
        pool: dict[str, Any]
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)  # type: ignore[assignment]
        host["host"] = self._target.address
        if self._target.scheme == "https":
            pool["server_hostname"] = pool["assert_hostname"] = self._target.host
        return host, pool


class Outbound:
    """Sends bodies to checked endpoints. Raises BusinessRule for a forbidden one and requests' errors for a broken
    one. Safe to share between threads."""

    def __init__(self, rule: OutboundRule, resolver: Resolver = system_resolver):
        self.rule = rule
        self._resolver = resolver

    def check(self, url: str) -> Target:
        return check(url, self.rule, self._resolver)

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float | None = None) -> Reply:
        """POST `body`; no redirect is followed, no proxy, netrc or cookie of ours is used. `seconds` may shorten the
        time that it may take."""
        return self._request("POST", url, body, headers, seconds or TOTAL_SECONDS)

    def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """GET under the same rules."""
        return self._request("GET", url, None, headers)

    def _request(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], seconds: float = TOTAL_SECONDS
    ) -> Reply:
        target = self.check(url)
        stop = time.monotonic() + min(TOTAL_SECONDS, seconds)
        with requests.Session() as session:
            session.trust_env = False
            session.mount(f"{target.scheme}://", _Pinned(target))
            with session.request(
                method,
                url,
                data=body,
                headers={**headers, "Host": target.authority},
                timeout=(min(CONNECT_SECONDS, seconds), min(READ_SECONDS, seconds)),
                allow_redirects=False,
                stream=True,
            ) as response:
                return Reply(response.status_code, dict(response.headers), _bounded(response, stop))


def _bounded(response: requests.Response, stop: float) -> bytes:
    """The raw body, cut at REPLY_BYTES and at `stop`. Not decompressed: 0.3 MB of zeros become 300 MB."""
    chunks: list[bytes] = []
    size = 0
    while size < REPLY_BYTES and time.monotonic() < stop:
        chunk = response.raw.read1(REPLY_BYTES - size, decode_content=False)
        if not chunk:
            break
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)
