"""Which URLs are asked: those of nodes, which were configured, and those that callers chose."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from valetkey.adapters.chain.evm import EvmChain
from valetkey.adapters.outbound.endpoint import Endpoint, is_public
from valetkey.adapters.outbound.web import WebOutbound
from valetkey.core.errors import Code, Malformed, Unavailable

OTHER_KINDS = [
    ("http://93.184.216.34/", "must begin with https://"),
    ("ftp://node.example/", "must begin with https://"),
    ("file:///etc/passwd", "must begin with https://"),
    ("gopher://node.example/", "must begin with https://"),
    ("node.example", "must begin with https://"),
    ("//node.example/", "must begin with https://"),
    ("https://", "must begin with https://"),
    ("https:///path", "must begin with https://"),
    ("", "must begin with https://"),
    ("https://user:secret@node.example/", "user name or password"),
    ("https://127.0.0.1\\@node.example/", "is not a URL|user name|address"),
    ("https://node.example:port/", "is not a URL"),
    ("https://\x00/", "is not a URL"),
    ("https://2130706433/", "usual form"),
    ("https://0x7f000001/", "usual form"),
    ("https://0177.0.0.1/", "usual form|is not a URL"),
    ("https://127.1/", "usual form"),
    ("https://127.0.0.0x1/", "usual form"),
    ("https://1.2.3.4.5/", "usual form"),
]
INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "0.0.0.0",  # noqa: S104 - refused
    "0.1.2.3",
    "[::]",
    "[::1]",
    "[fe80::1]",
    "[fd00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2001::1]",
    "192.88.99.1",
    "[3fff::1]",
]
OUTSIDE = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]


def refuse(why: str) -> Unavailable:
    """Return an error that says *why*."""
    return Unavailable(Code.CHAIN_UNREACHABLE, f"the URL {why}")


def endpoint_of(url: str, *, allow_private: bool) -> Endpoint:
    """Return the endpoint of *url*, looked up by this machine."""
    return Endpoint.parse(url, allow_private=allow_private, refused=refuse)


@pytest.mark.parametrize(("url", "said"), OTHER_KINDS)
def test_a_url_of_another_kind_is_refused(url: str, said: str) -> None:
    """When the port is made, and without a word of the URL's secrets."""
    with pytest.raises(Unavailable, match=said) as refused:
        EvmChain(url, chain_id=1, implementation=b"\x11" * 20)
    assert refused.value.code is Code.CHAIN_UNREACHABLE
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(("url", "said"), OTHER_KINDS)
async def test_a_webhook_of_another_kind_is_refused_by_the_same_rules(url: str, said: str) -> None:
    """What the operator may not configure, a caller may not choose."""
    with pytest.raises(Malformed, match=said) as refused:
        await WebOutbound().check(url)
    assert refused.value.code is Code.URL_REFUSED
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("host", INSIDE)
async def test_only_public_addresses_are_asked(host: str) -> None:
    """Loopback and private networks only by development configuration."""
    endpoint = endpoint_of(f"https://{host}/", allow_private=False)
    with pytest.raises(Unavailable, match="no address that is public"):
        await endpoint.resolve()
    pinned = await endpoint_of(f"http://{host}/", allow_private=True).resolve()
    assert ip_address(pinned.url.host) == ip_address(host.strip("[]"))


@pytest.mark.parametrize("host", INSIDE)
async def test_a_webhook_never_leads_inside(host: str) -> None:
    """By its URL, or by a name that has this address beside a public one."""
    with pytest.raises(Malformed, match="no address that is public"):
        await WebOutbound().check(f"https://{host}/")

    async def resolve(name: str, port: int) -> list[str]:
        assert (name, port) == ("shop.example", 443)
        return [OUTSIDE[0], host.strip("[]")]

    sending = WebOutbound(resolve=resolve)
    with pytest.raises(Malformed, match="no address that is public"):
        await sending.check("https://shop.example/")
    posted = await sending.post("https://shop.example/", {}, b"{}")
    assert posted.status is None
    assert "no address that is public" in posted.reason


@pytest.mark.parametrize(
    "host", ["localhost", "localhost.", "LOCALHOST", "127。0。0。1", "127.0.0.1.", "[::1%25lo]"]
)
async def test_a_name_of_this_machine_leads_inside_however_it_is_written(host: str) -> None:
    """What a resolver makes of it counts, and not how it looks."""
    with pytest.raises(Malformed) as refused:
        await WebOutbound().check(f"https://{host}/")
    assert refused.value.code is Code.URL_REFUSED


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_internet_is_public(address: str) -> None:
    """IPv4 inside IPv6 is what it leads to."""
    assert is_public(address)


def test_an_address_with_a_zone_is_of_one_network_alone() -> None:
    """A zone is no way around the rules."""
    assert not is_public("fe80::1%eth0")


@pytest.mark.parametrize("port", [1, 22, 25, 80, 444, 1023])
async def test_webhooks_go_to_ports_of_the_web(port: int) -> None:
    """Well-known services of others are left alone."""
    with pytest.raises(Malformed, match="port 443, or one from 1024"):
        await WebOutbound().check(f"https://93.184.216.34:{port}/")
    await WebOutbound().check("https://93.184.216.34:8443/")
    await WebOutbound().check("https://93.184.216.34:443/")


async def test_a_name_is_held_to_one_address_and_still_asked_by_its_name() -> None:
    """The request says the name, to the server and to its certificate."""
    endpoint = endpoint_of("https://localhost:8545/v3/key", allow_private=True)
    pinned = await endpoint.resolve()
    assert pinned.url.host in {"127.0.0.1", "::1"}
    assert (pinned.url.port, pinned.url.path) == (8545, "/v3/key")
    assert pinned.headers == {"host": "localhost:8545"}
    assert pinned.extensions == {"sni_hostname": "localhost"}


@pytest.mark.parametrize("host", ["localhost", "localhost.", "no-such-name.invalid"])
async def test_a_name_inside_and_a_name_that_is_not_are_told_alike(host: str) -> None:
    """What counts is where it leads; which names there are inside is not said."""
    with pytest.raises(Unavailable, match=f"{host}, which has no address that is public"):
        await endpoint_of(f"https://{host}/", allow_private=False).resolve()


async def test_a_long_url_is_refused() -> None:
    """A URL is kept with each webhook."""
    with pytest.raises(Malformed, match="at most 2048 characters"):
        await WebOutbound().check(f"https://shop.example/{'a' * 2048}")


def test_an_endpoint_shows_neither_path_nor_query() -> None:
    """A provider's secret is there."""
    endpoint = endpoint_of("https://node.example/v3/secret?key=secret", allow_private=False)
    assert repr(endpoint) == "Endpoint(https://node.example)"
