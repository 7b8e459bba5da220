"""Which node may be asked."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from valetkey.adapters.chain.evm import EvmChain
from valetkey.adapters.chain.evm.endpoint import Endpoint
from valetkey.core.errors import Code, Unavailable


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://93.184.216.34/", "must begin with https://"),
        ("ftp://node.example/", "must begin with https://"),
        ("node.example", "must begin with https://"),
        ("https://", "must begin with https://"),
        ("", "must begin with https://"),
        ("https://user:secret@node.example/", "user name or password"),
        ("https://node.example:port/", "is not a URL"),
        ("https://\x00/", "is not a URL"),
    ],
)
def test_a_url_of_another_kind_is_refused(url: str, said: str) -> None:
    """When the port is made, and without a word of the URL's secrets."""
    with pytest.raises(Unavailable, match=said) as refused:
        EvmChain(url, chain_id=1, implementation=b"\x11" * 20)
    assert refused.value.code is Code.CHAIN_UNREACHABLE
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - refused
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
    ],
)
async def test_only_public_addresses_are_asked(host: str) -> None:
    """Loopback and private networks only by development configuration."""
    endpoint = Endpoint.parse(f"https://{host}/", allow_private=False)
    with pytest.raises(Unavailable, match="not public"):
        await endpoint.resolve()
    pinned = await Endpoint.parse(f"http://{host}/", allow_private=True).resolve()
    assert pinned.url.host == str(ip_address(host.strip("[]")))


async def test_a_name_is_held_to_one_address_and_still_asked_by_its_name() -> None:
    """The request says the name, to the server and to its certificate."""
    endpoint = Endpoint.parse("https://localhost:8545/v3/key", allow_private=True)
    pinned = await endpoint.resolve()
    assert pinned.url.host in {"127.0.0.1", "::1"}
    assert (pinned.url.port, pinned.url.path) == (8545, "/v3/key")
    assert pinned.headers == {"host": "localhost:8545"}
    assert pinned.extensions == {"sni_hostname": "localhost"}


async def test_a_name_of_a_private_address_is_refused() -> None:
    """What counts is where it leads."""
    with pytest.raises(Unavailable, match="localhost, whose address is not public"):
        await Endpoint.parse("https://localhost/", allow_private=False).resolve()


def test_an_endpoint_shows_neither_path_nor_query() -> None:
    """A provider's secret is there."""
    endpoint = Endpoint.parse("https://node.example/v3/secret?key=secret", allow_private=False)
    assert repr(endpoint) == "Endpoint(https://node.example)"
