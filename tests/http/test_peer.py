"""From where a request comes, through proxies that are trusted and past those that are not."""

from __future__ import annotations

import pytest

from valetkey.core.errors import Code, Malformed
from valetkey.http.peer import Peers

PROXY = "10.0.0.1"
CALLER = "198.51.100.7"


def scope(client: str, *lines: tuple[str, str]) -> dict[str, object]:
    """Return the part of an ASGI scope that is looked at."""
    headers = [(name.encode(), value.encode("latin-1")) for name, value in lines]
    return {"client": (client, 4711), "headers": headers}


@pytest.mark.parametrize(
    ("lines", "peer"),
    [
        ([CALLER], CALLER),
        ([f"192.0.2.1, {CALLER}"], CALLER),
        ([f"{CALLER}, 10.0.0.2"], CALLER),
        (["192.0.2.1", CALLER], CALLER),
        ([f"{CALLER}:1234"], CALLER),
        (["[2001:db8:1:2:3::4]:1234"], "2001:db8:1:2::/64"),
        (["2001:db8:1:2:ffff::4"], "2001:db8:1:2::/64"),
        ([f"::ffff:{CALLER}"], CALLER),
        ([f"{CALLER}, unknown"], PROXY),
        ([f"{CALLER}, "], PROXY),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (["x" * 9000], PROXY),
        ([", ".join(["10.0.0.2"] * 400)], "10.0.0.2"),
        ([], PROXY),
    ],
)
def test_the_last_address_that_no_proxy_of_ours_has_is_the_caller(
    lines: list[str], peer: str
) -> None:
    """What callers write stands further left, and is not read."""
    peers = Peers(["10.0.0.0/8"])
    assert peers.of(scope(PROXY, *(("x-forwarded-for", line) for line in lines))) == peer


@pytest.mark.parametrize(
    ("text", "peer"),
    [
        (f"for={CALLER}", CALLER),
        (f'for="192.0.2.1", for={CALLER};proto=https;by=10.0.0.1', CALLER),
        (f"For={CALLER} ; host=a, for=10.0.0.2", CALLER),
        ('for="[2001:db8:1:2:3::4]:4711"', "2001:db8:1:2::/64"),
        (f'for={CALLER};host="a, for=192.0.2.1"', CALLER),
        ("for=_hidden", PROXY),
        ("proto=https", PROXY),
        (f'for="a, for={CALLER}', PROXY),
        (f"for={CALLER} nonsense", PROXY),
        ('for="' + "\\" * 9000, PROXY),
    ],
)
def test_forwarded_is_read_as_its_standard_says(text: str, peer: str) -> None:
    """RFC 7239; what is not well formed is the proxy's own address, for all who write it."""
    peers = Peers(["10.0.0.0/8"], "forwarded")
    assert peers.of(scope(PROXY, ("forwarded", text))) == peer


def test_no_header_is_believed_of_whoever_is_not_trusted() -> None:
    """Nor the other of the two headers, which a proxy lets through as its caller wrote it."""
    lines = (("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.2"))
    assert Peers().of(scope(CALLER, *lines)) == CALLER
    assert Peers(["10.0.0.0/8"]).of(scope(CALLER, *lines)) == CALLER
    assert Peers(["10.0.0.0/8"]).of(scope(PROXY, *lines)) == "192.0.2.1"
    assert Peers(["10.0.0.0/8"], "forwarded").of(scope(PROXY, *lines)) == "192.0.2.2"
    assert Peers(["10.0.0.0/8"], "forwarded").of(scope(PROXY, lines[0])) == PROXY
    assert Peers(["10.0.0.0/8"]).of({"client": None, "headers": []}) == ""
    assert Peers(["10.0.0.0/8"]).of(scope("a name", *lines)) == ""


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.1/8", "10.0.0.0/33", ""])
def test_what_is_no_network_is_no_proxy(text: str) -> None:
    """A configuration that would trust somebody else does not start."""
    with pytest.raises(Malformed) as refused:
        Peers([text])
    assert refused.value.code is Code.MALFORMED_CONFIG
