"""Standard Webhooks: the published example, and the peer's own package in both directions."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from valetkey.spec.standard_webhooks import is_signed, read_secret, secret_text, signature_of

# github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md and the test vectors of
# its libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - published
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_example() -> None:
    """Standard Webhooks: id, time and body with full stops between, HMAC-SHA256 in base64."""
    assert signature_of(read_secret(SECRET), MESSAGE, AT, BODY) == SIGNATURE
    assert is_signed(read_secret(SECRET), MESSAGE, AT, BODY, SIGNATURE)
    assert secret_text(read_secret(SECRET)) == SECRET


def test_the_peer_verifies_what_we_sign_and_signs_the_same() -> None:
    """A receiver needs nothing of ours."""
    secret = bytes(range(32))
    now = int(time.time())
    peer = Webhook(secret_text(secret))
    signed = signature_of(secret, "evt_1", now, BODY)
    fields = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{base64.b64encode(bytes(32)).decode()} {signed}",
    }
    assert peer.verify(BODY, fields) == {"test": 2432232314}
    assert peer.sign("evt_1", datetime.fromtimestamp(now, UTC), BODY.decode()) == signed
    with pytest.raises(WebhookVerificationError):
        peer.verify(BODY + b" ", fields)


@pytest.mark.parametrize(
    ("message", "at", "body", "signatures"),
    [
        ("msg_other", AT, BODY, SIGNATURE),
        (MESSAGE, AT + 1, BODY, SIGNATURE),
        (MESSAGE, AT, BODY + b" ", SIGNATURE),
        (MESSAGE, AT, BODY, ""),
        (MESSAGE, AT, BODY, SIGNATURE.removeprefix("v1,")),
        (MESSAGE, AT, BODY, SIGNATURE.replace("v1,", "v2,")),
        (MESSAGE, AT, BODY, SIGNATURE[:-1]),
        (MESSAGE, AT, BODY, "v1,é"),
        (MESSAGE, AT, BODY, " ".join(["v1,x"] * 16 + [SIGNATURE])),
    ],
)
def test_what_is_not_signed_so_is_refused(
    message: str, at: int, body: bytes, signatures: str
) -> None:
    """Each part is under the signature; of many signatures the first sixteen are looked at."""
    assert not is_signed(read_secret(SECRET), message, at, body, signatures)


def test_one_of_several_signatures_is_enough() -> None:
    """While a secret is exchanged, a message carries the signatures of both."""
    assert is_signed(read_secret(SECRET), MESSAGE, AT, BODY, f"v1a,x v1,x {SIGNATURE}")


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", SECRET.removeprefix("whsec_"), "whsec_!!!!", "whsec_c2hvcnQ="]
    + ["whsec_" + base64.b64encode(bytes(size)).decode() for size in (23, 65)],
)
def test_a_secret_of_another_form_is_refused(text: str) -> None:
    """24 to 64 bytes in base64; what came is not repeated."""
    with pytest.raises(ValueError, match="expected whsec_ and 24 to 64 bytes") as refused:
        read_secret(text)
    assert len(text) < 8 or text not in str(refused.value)
