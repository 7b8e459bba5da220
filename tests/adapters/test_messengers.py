"""One-time codes are handed on as the configuration says, or nobody is told that they are."""

from __future__ import annotations

import io
import json
from typing import Final

import pytest

from tests.worlds import START_AT, StoppedClock
from valetkey.adapters.messenger.choice import SECRET, open_messenger
from valetkey.adapters.messenger.nobody import NobodyMessenger
from valetkey.adapters.messenger.posted import PostedMessenger
from valetkey.adapters.messenger.printed import PrintedMessenger
from valetkey.adapters.outbound.memory import MemoryOutbound
from valetkey.core.errors import Code, Malformed, Unavailable
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.webhook import secret_text
from valetkey.ports import CodeMessage, Posted
from valetkey.spec.standard_webhooks import is_signed

URL: Final = "https://mail.example/codes"
KEY: Final = b"\x07" * 32
MESSAGE: Final = CodeMessage("org_1", "a@b.example", "123456", "log in to Acme", START_AT + 600)


async def test_a_mailer_gets_a_signed_message() -> None:
    """Signed as webhooks are; what it does not take is not sent."""
    outbound = MemoryOutbound()
    messenger = PostedMessenger(URL, SecretBytes(KEY), outbound, StoppedClock())
    await messenger.send(MESSAGE)
    (kept,) = outbound.kept
    assert kept.url == URL
    fields = {name.lower(): value for name, value in kept.headers.items()}
    signed = fields["webhook-id"], START_AT, kept.body, fields["webhook-signature"]
    assert is_signed(KEY, *signed)
    body = json.loads(kept.body)
    assert (body["type"], body["address"], body["code"]) == ("code:send", "a@b.example", "123456")
    assert body["expires_at"] == START_AT + 600
    outbound.answers[URL] = Posted(500)
    with pytest.raises(Unavailable) as refused:
        await messenger.send(MESSAGE)
    assert refused.value.code is Code.MESSENGER_UNAVAILABLE
    assert "123456" not in str(refused.value)


async def test_a_developer_reads_it_in_the_log() -> None:
    """One line each; the message itself does not show its code."""
    output = io.StringIO()
    await PrintedMessenger(output).send(MESSAGE)
    assert output.getvalue() == "one-time code for a@b.example (log in to Acme): 123456\n"
    assert "123456" not in repr(MESSAGE)


def test_the_configuration_says_who_gets_codes() -> None:
    """Nobody, the log, or a mailer whose secret is in the environment."""
    outbound, clock = MemoryOutbound(), StoppedClock()
    secret = {SECRET: secret_text(KEY)}
    assert isinstance(open_messenger("", {}, outbound, clock), NobodyMessenger)
    assert isinstance(open_messenger("stderr", {}, outbound, clock), PrintedMessenger)
    assert isinstance(open_messenger(URL, secret, outbound, clock), PostedMessenger)
    for wrong in ({}, {SECRET: "whsec_short"}):
        with pytest.raises(Malformed) as refused:
            open_messenger(URL, wrong, outbound, clock)
        assert "whsec_short" not in refused.value.detail
