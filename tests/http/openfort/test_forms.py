"""Forms with brackets mean one thing or nothing; what they mean follows from what is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.core.errors import Malformed
from valetkey.http.dialects.openfort.forms import read_body, read_query
from valetkey.http.incoming import Incoming
from valetkey.http.settings import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

FORM: Final = b"application/x-www-form-urlencoded"


class Inner(msgspec.Struct, frozen=True, rename="camel"):
    """Something nested."""

    function_name: str | None = None
    function_args: list[Any] | None = None
    names: list[str] = []
    value: int | str | None = None


class Body(msgspec.Struct, frozen=True, rename="camel"):
    """One field of each kind."""

    chain_id: int | None = None
    address: str | None = None
    optimistic: bool | None = None
    whitelist: list[str] = []
    limit: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    interactions: list[Inner] = []
    metadata: dict[str, str | int] = {}
    anything: Any = None


class Query(msgspec.Struct, frozen=True):
    """Parameters."""

    expand: list[str] = []
    limit: int = 10
    name: str = ""


def asked(body: bytes, kind: bytes) -> Incoming:
    """Return a request with *body*."""
    return Incoming("POST", "http", "/", "", {b"content-type": kind}, body)


def read(body: str | bytes, kind: bytes = FORM) -> Body:
    """Return what a body says."""
    text = body.encode() if isinstance(body, str) else body
    found = read_body(asked(text, kind), Body, Limits())
    assert isinstance(found, Body)
    return found


def query(text: str) -> Query:
    """Return what a query says."""
    found = read_query(text, Query)
    assert isinstance(found, Query)
    return found


def test_the_call_of_the_vendors_page() -> None:
    """Numbers are numbers, and what may be null is null where it is empty."""
    text = "address=0x76e6&chainId=80002&limit=&optimistic=false&whitelist[]=0xa&whitelist[]=0xb"
    wanted = Body(chain_id=80002, address="0x76e6", optimistic=False, whitelist=["0xa", "0xb"])
    assert read(text) == wanted
    assert read(text.replace("[", "%5B").replace("]", "%5d")) == wanted
    assert read("") == Body()


@pytest.mark.parametrize(
    "text",
    [
        "whitelist=a&whitelist=b",
        "whitelist[]=a&whitelist[]=b",
        "whitelist[0]=a&whitelist[1]=b",
        "whitelist[1]=b&whitelist[0]=a",
    ],
)
def test_each_way_to_write_a_list(text: str) -> None:
    """A list with one text is a list, too."""
    assert read(text).whitelist == ["a", "b"]
    assert read("whitelist=a").whitelist == ["a"]
    nested = text.replace("whitelist", "interactions[0][names]")
    assert read(nested).interactions == [Inner(names=["a", "b"])]


def test_what_is_nested() -> None:
    """Objects in lists in objects; arguments stay the texts that they are."""
    text = (
        "interactions[0][functionName]=mint&interactions[0][functionArgs][0]=acc_1"
        "&interactions[0][functionArgs][1]=7&interactions[1][value]=12&metadata[0]=a&metadata[b]=c"
        "&anything[0][x]=1&anything[1]=2"
    )
    found = read(text)
    assert found.interactions[0] == Inner("mint", ["acc_1", "7"])
    assert found.interactions[1].value == "12"
    assert found.metadata == {"0": "a", "b": "c"}
    assert found.anything == [{"x": "1"}, "2"]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("chainId=1&chainId=1", "chainId"),
        ("chainId=1&chain%49d=2", "chainId"),
        ("chainId=0x1", "chainId"),
        ("chainId=1.0", "chainId"),
        ("chainId=1_0", "chainId"),
        ("chainId=%2B1", "chainId"),
        ("chainId=+1", "chainId"),
        ("chainId=%201", "chainId"),
        ("chainId=\u0661", "chainId"),
        ("chainId=" + "9" * 5000, "chainId"),
        ("chainId[]=1", "chainId"),
        ("limit=-1", "limit"),
        ("limit=2147483648", "limit"),
        ("optimistic=1", "optimistic"),
        ("address[a]=1", "address"),
        ("address=%zz", "address"),
        ("address=%", "address"),
        ("address=%ff", "address"),
        ("address=%ed%a0%80", "address"),
        ("whitelist[0]=a&whitelist[2]=b", "whitelist"),
        ("whitelist[101]=a", "whitelist"),
        ("whitelist[99999999999]=a", "whitelist"),
        ("whitelist[01]=a", "whitelist"),
        ("whitelist[0]=a&whitelist[0]=b", "whitelist[0]"),
        ("whitelist[0]=a&whitelist[x]=b", "whitelist"),
        ("whitelist[0]=a&whitelist[]=b", "whitelist"),
        ("whitelist=a&whitelist[0]=b", "whitelist"),
        ("interactions[][value]=1", "interactions[][value]"),
        ("interactions[0]=1", "interactions[0]"),
        ("metadata[a][b]=1", "metadata[...]"),
        ("anything" + "[a]" * 8 + "=1", "anything" + "[a]" * 8),
        ("address[a=1", "address[a"),
        ("address]=1", "address]"),
        ("address[a]b=1", "address[a]b"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused_by_its_name(text: str, field: str) -> None:
    """Twice, with gaps, mixed, too deep, or no number: nobody guesses."""
    with pytest.raises(Malformed) as refused:
        read(text)
    assert refused.value.facts.get("field") == field
    assert refused.value.detail.startswith(f"{field}: ")


@pytest.mark.parametrize(
    "body",
    [b"&", b"address", b"=1", b"address=1&", b"address=1&&limit=1", b"address=\xff"],
)
def test_what_is_no_form_is_refused(body: bytes) -> None:
    """A pair has a name and an equals sign."""
    with pytest.raises(Malformed, match="body: expected"):
        read(body)


def test_json_goes_through_the_same_types() -> None:
    """Large numbers come as texts; a number that others would take for a fraction becomes one."""
    found = read(
        b'{"chainId": "80002", "optimistic": true, "interactions": [{"functionArgs":'
        b' [1, "a", true, 340282366920938463463374607431768211456],'
        b' "value": 18446744073709551616}]}',
        b"application/json",
    )
    assert (found.chain_id, found.optimistic) == (80002, True)
    assert found.interactions[0].function_args == [1, "a", True, str(2**128)]
    assert found.interactions[0].value == str(2**64)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"optimistic": "true"}', "optimistic: "),
        (b'{"chainId": "0x1"}', "chainId: "),
        (b'{"chainId": 1, "chainId": 2}', "expected each name once"),
        (b'{"chainId": NaN}', "expected JSON"),
        (b"[]", "body: "),
        (b'"a"', "body: "),
        (b"{", "expected JSON"),
        (b'{"address": "\\ud800"}', "expected JSON"),
        (b'{"anything": ' + b"[" * 40 + b"]" * 40 + b"}", "levels"),
    ],
)
def test_json_that_is_none_of_these_types_is_refused(body: bytes, said: str) -> None:
    """A truth value is no text there."""
    with pytest.raises(Malformed, match=said):
        read(body, b"application/json")


def test_a_body_of_another_type_is_refused() -> None:
    """Multipart bodies, and texts of no type."""
    for kind in (
        b"",
        b"text/plain",
        b"multipart/form-data; boundary=a",
        FORM + b"; charset=latin-1",
    ):
        with pytest.raises(Malformed, match="expected a body of content type"):
            read(b"address=1", kind)


def test_each_way_to_write_a_list_in_a_query() -> None:
    """Joined by commas, as the older clients do, repeated, and in brackets."""
    for text in ("expand=a%2Cb", "expand=a,b", "expand=a&expand=b", "expand[]=a&expand[]=b"):
        assert query(text) == Query(expand=["a", "b"])
    assert query("expand=&limit=5&name=a,b") == Query(limit=5, name="a,b")
    assert query("") == Query()
    with pytest.raises(Malformed, match="limit: "):
        query("limit=a")


def written(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield the pairs of *value* as `qs` writes them, with indices."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from written(f"{name}[{key}]", one)
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from written(f"{name}[{at}]", one)
    else:
        yield name, str(value)


KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_. %&=é]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NESTED = st.recursive(
    TEXTS,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=4)
        | st.dictionaries(KEYS, inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)


def depth_of(value: object) -> int:
    """Return how many brackets a name in *value* has at most."""
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth_of, below)) if below else 0


@given(NESTED)
def test_what_is_written_with_brackets_is_read_as_it_was(value: object) -> None:
    """Any nesting that is not too deep, any text."""
    if depth_of(value) > 7:
        return
    pairs = written("anything", value)
    text = "&".join(f"{quote_plus(name)}={quote_plus(one)}" for name, one in pairs)
    assert read(text).anything == value


PIECES = st.sampled_from(
    [
        "a",
        "=",
        "&",
        "[",
        "]",
        "[0]",
        "[]",
        "%",
        "%41",
        "+",
        "chainId",
        "interactions",
        "1",
        "\0",
        "é",
    ]
)


@given(st.lists(PIECES, max_size=16).map("".join) | st.text(max_size=40))
def test_garbage_is_read_or_refused_and_nothing_else(text: str) -> None:
    """No text makes anything but a body or a refusal."""
    for reader, kind in ((read, Body), (query, Query)):
        try:
            found: object = reader(text.encode("utf-8", "replace").decode())
        except Malformed as error:
            found = error
        assert isinstance(found, kind | Malformed)
