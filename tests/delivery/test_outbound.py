"""Where the adapter may send to: every way to name our own network that we know of is refused."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

import pytest

from adapter.delivery.outbound import DEMO, PRODUCTION, OutboundRule, check, outbound_rule
from adapter.domain.errors import BusinessRule

NAMES = {
    "partner.example": ["93.184.216.34"],
    "six.example": ["2606:2800:220:1:248:1893:25c8:1946"],
    "inside.example": ["10.1.2.3"],
    "rebound.example": ["93.184.216.34", "127.0.0.1"],
    "metadata.example": ["169.254.169.254"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "localhost": ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1"],
    # What the C library makes of unusual numbers: the guard must not depend on a resolver that refuses them.
    "2130706433": ["127.0.0.1"],
    "0x7f000001": ["127.0.0.1"],
    "0177.0.0.1": ["127.0.0.1"],
    "0x7f.1": ["127.0.0.1"],
    "127.1": ["127.0.0.1"],
    "127.0.1": ["127.0.0.1"],
    "127.0.0.1.": ["127.0.0.1"],
    "93.184.216.34.": ["93.184.216.34"],
    "scoped.example": ["fe80::1%eth0"],
    "garbage.example": ["not-an-address"],
}


def resolver(host: str, port: int) -> Iterable[str]:
    return NAMES.get(host, [])


FORBIDDEN = [
    "http://partner.example/hook",
    "ftp://partner.example/hook",
    "file:///etc/passwd",
    "gopher://partner.example/_",
    "https://",
    "https:///hook",
    "partner.example/hook",
    "//partner.example/hook",
    "https://user:password@partner.example/hook",
    "https://partner.example@127.0.0.1/hook",
    "https://127.0.0.1/hook",
    "https://127.0.0.1:8443/hook",
    "https://127.255.255.254/hook",
    "https://2130706433/hook",
    "https://0x7f000001/hook",
    "https://0177.0.0.1/hook",
    "https://0x7f.1/hook",
    "https://127.1/hook",
    "https://127.0.1/hook",
    "https://127.0.0.1./hook",
    "https://93.184.216.34./hook",
    "https://localhost/hook",
    "https://LOCALHOST/hook",
    "https://localhost./hook",
    "https://0.0.0.0/hook",
    "https://10.0.0.1/hook",
    "https://172.16.0.1/hook",
    "https://192.168.1.1/hook",
    "https://100.64.0.1/hook",
    "https://169.254.169.254/latest/meta-data/",
    "https://192.0.0.192/hook",
    "https://192.0.2.1/hook",
    "https://192.88.99.1/hook",
    "https://198.18.0.1/hook",
    "https://224.0.0.1/hook",
    "https://240.0.0.1/hook",
    "https://255.255.255.255/hook",
    "https://[::1]/hook",
    "https://[::]/hook",
    "https://[::ffff:127.0.0.1]/hook",
    "https://[::ffff:7f00:1]/hook",
    "https://[::127.0.0.1]/hook",
    "https://[64:ff9b::7f00:1]/hook",
    "https://[64:ff9b::93.184.216.34]/hook",
    "https://[64:ff9b:1::7f00:1]/hook",
    "https://[2002:7f00:1::]/hook",
    "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/hook",
    "https://[fe80::1]/hook",
    "https://[fe80::1%25eth0]/hook",
    "https://[fc00::1]/hook",
    "https://[fd00:ec2::254]/hook",
    "https://[ff02::1]/hook",
    "https://[2001:db8::1]/hook",
    "https://[100::1]/hook",
    "https://inside.example/hook",
    "https://rebound.example/hook",
    "https://metadata.example/hook",
    "https://mapped.example/hook",
    "https://nat64.example/hook",
    "https://scoped.example/hook",
    "https://garbage.example/hook",
    "https://partner.example\\@127.0.0.1/hook",
    "https://partner.example\t/hook",
    "https://partner.example:99999/hook",
    "https://ｌocalhost/hook",
    "https://127。0。0。1/hook",
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_production_refuses_every_way_to_name_our_own_network(url: str) -> None:
    with pytest.raises(BusinessRule) as refusal:
        check(url, PRODUCTION, resolver)
    assert refusal.value.issues[0].code == "security"
    assert "127.0.0.1" not in refusal.value.issues[0].text


@pytest.mark.parametrize(
    ("url", "address", "authority"),
    [
        ("https://partner.example/hook", "93.184.216.34", "partner.example"),
        ("https://partner.example:8443/hook", "93.184.216.34", "partner.example:8443"),
        ("https://six.example/hook", "2606:2800:220:1:248:1893:25c8:1946", "six.example"),
        ("https://93.184.216.34/hook", "93.184.216.34", "93.184.216.34"),
        ("https://[2606:4700::1111]/hook", "2606:4700::1111", "[2606:4700::1111]"),
    ],
)
def test_production_sends_to_the_internet_and_remembers_what_it_checked(url: str, address: str, authority: str) -> None:
    target = check(url, PRODUCTION, resolver)
    assert (target.address, target.authority) == (address, authority)


def test_a_name_without_an_address_may_get_one_later() -> None:
    with pytest.raises(BusinessRule) as refusal:
        check("https://nowhere.example/hook", PRODUCTION, resolver)
    assert refusal.value.issues[0].code == "not-found"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/hook", "http://localhost:9/hook", "http://[::1]:9/hook"])
def test_a_demo_sends_to_this_machine(url: str) -> None:
    assert check(url, DEMO, resolver).port == 9


@pytest.mark.parametrize(
    "url", ["https://partner.example/", "http://10.0.0.1/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/"]
)
def test_a_demo_sends_nowhere_else(url: str) -> None:
    with pytest.raises(BusinessRule):
        check(url, DEMO, resolver)


def test_a_named_private_network_opens_that_network_only() -> None:
    rule: OutboundRule = outbound_rule(True, [ip_network("10.1.0.0/16")])
    assert check("https://inside.example/hook", rule, resolver).address == "10.1.2.3"
    for url in ("https://10.2.0.1/", "https://127.0.0.1/", "http://inside.example/"):
        with pytest.raises(BusinessRule):
            check(url, rule, resolver)


def test_a_name_is_resolved_once_for_a_send() -> None:
    asked: list[str] = []

    def counting(host: str, port: int) -> Iterable[str]:
        asked.append(host)
        return ["93.184.216.34"] if len(asked) == 1 else ["127.0.0.1"]

    assert check("https://partner.example/", PRODUCTION, counting).address == "93.184.216.34"
    assert asked == ["partner.example"]
