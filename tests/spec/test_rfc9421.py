"""RFC 9421: what the standard prints is what we build, read and verify."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from valetkey.spec import rfc9421
from valetkey.spec.rfc9421 import RequestParts, SignatureError
from valetkey.spec.signature_components import component_value

VECTORS: Final = Path(__file__).parent / "vectors"
RFC9421: Final = json.loads((VECTORS / "rfc9421.json").read_text())
REFUSED: Final = json.loads((VECTORS / "rfc9421_refused.json").read_text())["refused"]
BODY: Final = b'{"hello": "world"}'
NONCE: Final = "a-nonce-of-some-length"


@dataclass(frozen=True)
class Key:
    """A public key as the codec sees one."""

    curve: str
    data: bytes


def key_of(name: str) -> Key:
    """Take a key from the vectors."""
    found = RFC9421["keys"][name]
    return Key(found["curve"], bytes.fromhex(found["data"]))


def request_of(name: str) -> RequestParts:
    """Take a request from the vectors."""
    found = RFC9421["requests"][name]
    return RequestParts.from_url(found["method"], found["url"], found["headers"])


def fields_of(vector: dict[str, Any]) -> dict[str, str]:
    """Return the header fields of a signature; a base-only one gets 64 zeros."""
    signature = vector["signature"] or base64.b64encode(bytes(64)).decode()
    label = vector["label"]
    return {"signature-input": f"{label}={vector['input']}", "signature": f"{label}=:{signature}:"}


def sign(request: RequestParts, **changed: Any) -> dict[str, str]:  # noqa: ANN401 - passed on
    """Sign *request* with the Ed25519 key of the standard."""
    seed = SigningKey(bytes.fromhex(RFC9421["keys"]["test-key-ed25519"]["seed"]))
    given: dict[str, Any] = {
        "keyid": "test-key-ed25519",
        "created": 1618884473,
        "nonce": NONCE,
        "alg": "ed25519",
        "components": ("@method", "@target-uri", "content-digest"),
        "sign": lambda base: seed.sign(base).signature,
    }
    return rfc9421.sign_request(request, **{**given, **changed})


@pytest.mark.parametrize("vector", RFC9421["signatures"], ids=lambda v: v["source"])
def test_the_signature_base_is_the_one_that_the_standard_prints(vector: dict[str, Any]) -> None:
    """Section 2.5: signer and verifier build the same bytes from the same request."""
    signature = rfc9421.parse_signature(fields_of(vector))
    base = rfc9421.signature_base(request_of(vector["request"]), signature)
    assert base.decode() == "\n".join(vector["base"])
    assert signature.label == vector["label"]
    assert signature.created == 1618884473
    assert signature.expires is None


SIGNED: Final = [vector for vector in RFC9421["signatures"] if vector["key"]]


@pytest.mark.parametrize("vector", SIGNED, ids=lambda v: v["source"])
def test_the_signatures_of_the_standard_verify(vector: dict[str, Any]) -> None:
    """Appendix B: a request signed elsewhere is accepted here."""
    signature = rfc9421.parse_signature(fields_of(vector))
    key = key_of(vector["key"])
    assert rfc9421.verify_request(key, request_of(vector["request"]), signature)


@pytest.mark.parametrize("vector", SIGNED, ids=lambda v: v["source"])
def test_a_request_that_was_changed_does_not_verify(vector: dict[str, Any]) -> None:
    """A signature is over one request and no other."""
    signature = rfc9421.parse_signature(fields_of(vector))
    key, request = key_of(vector["key"]), request_of(vector["request"])
    for changed in (
        replace(request, method="PUT"),
        replace(request, authority="example.net"),
        replace(request, path="/other"),
    ):
        assert not rfc9421.verify_request(key, changed, signature)


def test_the_signed_response_of_the_standard_verifies() -> None:
    """Appendix B.2.4: P-256 over a base that was given."""
    vector = RFC9421["response"]
    base = "\n".join(vector["base"]).encode()
    key, signature = key_of(vector["key"]), base64.b64decode(vector["signature"])
    assert rfc9421.verify(key, base, signature)
    assert not rfc9421.verify(key, base + b"\n", signature)


@pytest.mark.parametrize("vector", RFC9421["components"], ids=lambda v: v["source"])
def test_a_component_has_the_value_that_the_standard_prints(vector: dict[str, Any]) -> None:
    """Sections 2.1 and 2.2: one value for each component."""
    request = RequestParts.from_url(vector["method"], vector["url"], vector["headers"])
    assert component_value(request, vector["component"]) == vector["value"]


def test_signing_gives_the_header_fields_of_the_standard() -> None:
    """Appendix B.2.6: Ed25519 is deterministic, so the fields are the same to the byte."""
    vector = next(v for v in RFC9421["signatures"] if v["label"] == "sig-b26")
    components = rfc9421.parse_signature(fields_of(vector)).components
    request = request_of(vector["request"])
    fields = sign(request, nonce=None, alg=None, components=components, label="sig-b26")
    assert fields == fields_of(vector)


def test_what_was_signed_is_read_back_whole() -> None:
    """Every parameter arrives as it was given, quotes and backslashes included."""
    request = request_of("test-request")
    fields = sign(request, keyid='a "quoted\\" key', expires=1618884533, tag="valetkey")
    signature = rfc9421.parse_signature({**request.headers, **fields})
    assert signature.components == ("@method", "@target-uri", "content-digest")
    assert (signature.created, signature.expires) == (1618884473, 1618884533)
    assert (signature.keyid, signature.nonce) == ('a "quoted\\" key', NONCE)
    assert (signature.alg, signature.tag) == ("ed25519", "valetkey")
    assert rfc9421.verify_request(key_of("test-key-ed25519"), request, signature)


def test_an_algorithm_that_is_not_the_keys_proves_nothing() -> None:
    """Section 3.2: the key says how it signs, and a parameter that differs is refused."""
    request = request_of("test-request")
    for alg in ("ecdsa-p256-sha256", "rsa-pss-sha512", "ED25519", ""):
        signature = rfc9421.parse_signature(sign(request, alg=alg))
        assert not rfc9421.verify_request(key_of("test-key-ed25519"), request, signature)


def test_one_of_several_signatures_is_chosen_by_its_label() -> None:
    """Section 4: a proxy may add a signature of its own, in forms that we do not check."""
    fields = sign(request_of("test-request"), label="ours")
    theirs = '("@authority" "signature";key="ours" "date";sf);created=1;other=?0;x=*a/b:c;y=:AAAA:'
    headers = {
        "signature-input": f"proxy={theirs} ,\t{fields['signature-input']}",
        "signature": f"{fields['signature']},proxy=:AAAA:",
    }
    chosen = rfc9421.parse_signature(headers, label="ours")
    assert chosen == rfc9421.parse_signature(fields)
    with pytest.raises(SignatureError, match="labelled 'none'"):
        rfc9421.parse_signature(headers, label="none")


@pytest.mark.parametrize("vector", REFUSED, ids=lambda v: v["why"])
def test_a_malformed_signature_is_refused(vector: dict[str, Any]) -> None:
    """Only canonical text within the limits is read; nothing is repaired."""
    names = ("signature-input", "signature")
    headers = {name: vector[name] for name in names if vector[name] is not None}
    with pytest.raises(SignatureError, match="expected"):
        rfc9421.parse_signature(headers)


@given(
    place=st.integers(min_value=0, max_value=500),
    cut=st.integers(min_value=0, max_value=3),
    put=st.text(alphabet=' "();=,:\\@a1\t\né', max_size=3),
    field=st.sampled_from(["signature-input", "signature"]),
)
def test_no_text_is_read_in_a_second_way(place: int, cut: int, put: str, field: str) -> None:
    """What is read is what stands there, letter by letter; the rest is one kind of error."""
    fields = sign(request_of("test-request"))
    place %= len(fields[field])
    fields[field] = fields[field][:place] + put + fields[field][place + cut :]
    try:
        signature = rfc9421.parse_signature(fields)
    except SignatureError:
        return
    encoded = base64.b64encode(signature.signature).decode()
    assert fields["signature-input"] == f"{signature.label}={signature.raw}"
    assert fields["signature"] == f"{signature.label}=:{encoded}:"


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "line\nbreak"},
        {"keyid": "é"},
        {"keyid": "k" * 257},
        {"created": -1},
        {"created": 10**15},
        {"expires": 1618884473},
        {"components": ("@method", "@method")},
        {"components": ("@status",)},
        {"components": ('@method" "date',)},
        {"components": ("x-missing",)},
        {"label": "Sig"},
        {"label": "a=(),b"},
        {"sign": lambda _base: bytes(65)},
        {"sign": lambda _base: b""},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_nobody_could_read_is_not_signed(changed: dict[str, Any]) -> None:
    """The signing side keeps the rules of the reading side."""
    with pytest.raises(SignatureError, match="expected"):
        sign(request_of("test-request"), **changed)


@pytest.mark.parametrize(
    ("component", "changed"),
    [
        ("@method", {"method": "GET "}),
        ("@method", {"method": ""}),
        ("@method", {"method": "GÉT"}),
        ("@scheme", {"scheme": "ftp"}),
        ("@scheme", {"scheme": "HTTPS"}),
        ("@authority", {"authority": ""}),
        ("@authority", {"authority": "a b"}),
        ("@authority", {"authority": "user@example.com"}),
        ("@authority", {"authority": "example.com:"}),
        ("@authority", {"authority": "example.com:123456"}),
        ("@authority", {"authority": "example.com\n"}),
        ("@authority", {"authority": "\u212aexample.com"}),
        ("@path", {"path": "relative"}),
        ("@path", {"path": "/a b"}),
        ("@path", {"path": "/a?b"}),
        ("@path", {"path": "/a#b"}),
        ("@path", {"path": '/\n"@method": GET'}),
        ("@target-uri", {"path": "/é"}),
        ("@query", {"query": "a#b"}),
        ("@query", {"query": "a b"}),
        ("@target-uri", {"query": "a\rb"}),
        ('@query-param;name="a"', {"query": None}),
        ('@query-param;name="a"', {"query": "a=1&a=2"}),
        ('@query-param;name="a"', {"query": "a=1&%61=2"}),
        ('@query-param;name="a"', {"query": "&".join(f"a{n}=1" for n in range(300))}),
        ("@query-param", {"query": "a=1"}),
        ("@request-target", {}),
        ("date", {"headers": {}}),
        ("date", {"headers": {"date": "a\nb"}}),
        ("date", {"headers": {"date": "a\r\n b"}}),
        ("date", {"headers": {"date": "\x00"}}),
        ("date", {"headers": {"date": "é"}}),
    ],
    ids=str,
)
def test_a_request_that_has_no_base_is_refused(component: str, changed: dict[str, Any]) -> None:
    """A missing or dangerous value ends in a refusal, never in another base."""
    request = replace(request_of("test-request"), **changed)
    with pytest.raises(SignatureError, match="expected"):
        component_value(request, component)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/path",
        "example.com/path",
        "https://",
        "https:///path",
        "https://u:p@example.com/",
        "https://a/#b",
        "https://a#b",
        "https://a\\b/",
    ],
)
def test_a_url_that_hides_something_is_refused(url: str) -> None:
    """What is signed is what will be sent."""
    with pytest.raises(SignatureError, match="expected an absolute URL"):
        RequestParts.from_url("GET", url, {})


def test_a_header_field_of_a_signed_request_stands_there_once() -> None:
    """Two lines of one field could be read in two ways, by us and by who signed."""
    lines = [("Content-Type", "a"), ("Content-Digest", "b")]
    assert rfc9421.header_fields(lines) == {"content-type": "a", "content-digest": "b"}
    with pytest.raises(SignatureError, match="'content-type' twice"):
        rfc9421.header_fields([*lines, ("content-type", "c")])
