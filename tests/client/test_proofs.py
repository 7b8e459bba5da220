"""Requests prove who sends them, and only they are proven."""

from __future__ import annotations

import pytest

from tests.leaks import secret
from valetkey import Malformed, SessionKey, StampKey
from valetkey.client.proofs import Nobody, Sent, Signed, Token, new_request_id
from valetkey.core.stamp import MAX_NONCE_CHARS, MIN_NONCE_CHARS, Stamp, check_stamp, is_stamped_by
from valetkey.core.token import TokenPrefix, make_token
from valetkey.spec.rfc9421 import (
    RequestParts,
    check_content_digest,
    parse_signature,
    signature_base,
    verify_request,
)

NOW = 1_800_000_000
URL = "http://127.0.0.1:8080/v1/runs?a=1&b=%20"
WRITE = Sent("POST", URL, b'{"calls":[]}', is_write=True)
READ = Sent("GET", "http://127.0.0.1:8080/v1/session", b"", is_write=False)


@pytest.mark.parametrize(
    "key", [SessionKey.generate(), StampKey.generate()], ids=["chain", "stamp"]
)
@pytest.mark.parametrize("sent", [WRITE, READ], ids=["write", "read"])
def test_a_signed_request_is_what_the_server_wants(key: SessionKey | StampKey, sent: Sent) -> None:
    """Method, path, query and body are covered, with time, nonce, key and algorithm."""
    nonce = new_request_id()
    fields = Signed("ses_1", key, now=lambda: NOW + 0.9).headers(sent, request_id=nonce)
    parts = RequestParts.from_url(sent.method, sent.url, fields)
    signature = parse_signature(fields, label="vk")
    assert verify_request(key.public_key, parts, signature)
    stamp = Stamp(
        key_id=signature.keyid or "",
        algorithm=signature.alg,
        components=frozenset(signature.components),
        created=signature.created,
        nonce=signature.nonce,
        base=signature_base(parts, signature),
        signature=signature.signature,
        has_body=bool(sent.content),
    )
    assert check_stamp(stamp, now=NOW) == nonce
    assert is_stamped_by(stamp, key.public_key)
    assert "authorization" not in fields
    if sent.content:
        assert check_content_digest(fields["content-digest"], sent.content)


@pytest.mark.parametrize(
    "changed",
    [
        RequestParts.from_url("PUT", URL, {}),
        RequestParts.from_url("POST", URL.replace("runs", "rums"), {}),
        RequestParts.from_url("POST", URL.replace("a=1", "a=2"), {}),
    ],
)
def test_a_signature_is_good_for_one_request(changed: RequestParts) -> None:
    """Who carries it cannot use it for something else."""
    key = SessionKey.generate()
    fields = Signed("ses_1", key).headers(WRITE, request_id=new_request_id())
    parts = RequestParts(
        changed.method, changed.scheme, changed.authority, changed.path, changed.query, fields
    )
    assert not verify_request(key.public_key, parts, parse_signature(fields))


def test_a_token_goes_into_one_header_and_no_text() -> None:
    """It is a bearer string: whoever reads it, has it."""
    text = make_token(TokenPrefix.SECRET_KEY, secret(bytes(range(32))))
    proof = Token(text)
    assert proof.headers(WRITE, request_id="one") == {
        "authorization": f"Bearer {text}",
        "idempotency-key": "one",
    }
    assert proof.headers(READ, request_id="one") == {"authorization": f"Bearer {text}"}
    assert text not in repr(proof)


@pytest.mark.parametrize("text", ["", "hunter2!", "vk_secret_\r\nx: y", "vk_ é", "vk_" + "a" * 200])
def test_what_is_no_token_goes_into_no_header(text: str) -> None:
    """A wrong string is refused here, and not repeated."""
    with pytest.raises(Malformed) as refused:
        Token(text)
    assert not text or text not in str(refused.value)


def test_nobody_proves_nothing() -> None:
    """What anyone may read needs no proof."""
    assert Nobody().headers(READ, request_id="one") == {}


def test_request_ids_are_unique_and_of_a_length_that_is_taken() -> None:
    """The same id is the nonce of a signature and the idempotency key of a token."""
    ids = {new_request_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(MIN_NONCE_CHARS <= len(one) <= MAX_NONCE_CHARS for one in ids)
