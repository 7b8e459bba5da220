"""What carries a secret does not show it where it is printed."""

from __future__ import annotations

import pkgutil
from dataclasses import fields
from importlib import import_module

import pytest
from msgspec import Struct
from msgspec.structs import fields as fields_of

from valetkey import wire
from valetkey.core.dpop import Dpop
from valetkey.flows.issue_token import Issued
from valetkey.flows.opening import Opened
from valetkey.flows.prove import Bearer
from valetkey.wire.base import Address
from valetkey.wire.credential import AddedCredential
from valetkey.wire.exposure import Token
from valetkey.wire.session import AcceptGrant, OpenedSession
from valetkey.wire.token import IssuedToken, TokenForm
from valetkey.wire.webhook import WebhookWithSecret

_PREFIX = f"{wire.__name__}."
SECRET = "vk_session_" + "A" * 43


CONTRACTS = {Address, Token | None}  # of a contract: nothing to hide


def bodies() -> list[type[Struct]]:
    """Return every body of the wire."""
    modules = [import_module(one.name) for one in pkgutil.iter_modules(wire.__path__, _PREFIX)]
    return [
        one
        for module in modules
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Struct) and one.__module__ == module.__name__
    ]


def test_no_body_that_carries_a_secret_shows_it() -> None:
    """Also one that is added later: a token or secret is text that is no address."""
    named = [
        body
        for body in bodies()
        for one in fields_of(body)
        if one.name == "secret" or (one.name == "token" and one.type not in CONTRACTS)
    ]
    assert {AddedCredential, OpenedSession, IssuedToken, TokenForm, WebhookWithSecret} <= set(named)
    for body in named:
        assert body.__repr__ is not Struct.__repr__, body


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        (IssuedToken(token=SECRET, expires_at=5), "IssuedToken(token=<hidden>, expires_at=5)"),
        (TokenForm(token=SECRET), "TokenForm(token=<hidden>, token_type_hint=None)"),
        (
            AcceptGrant(owner_signature="0x01", kill_note=SECRET),
            "AcceptGrant(owner_signature='0x01', kill_note=<hidden>)",
        ),
        (Bearer(SECRET), "Bearer()"),
        (Issued(SECRET, 5), "Issued(expires_at=5)"),
    ],
)
def test_what_is_printed_says_all_but_the_secret(shown: object, says: str) -> None:
    """So that a line of a log is still of use."""
    assert repr(shown) == says


@pytest.mark.parametrize("kind", [Bearer, Dpop, Issued, Opened])
def test_a_token_inside_the_server_is_not_shown(kind: type) -> None:
    """Whatever prints the value that holds it."""
    assert [one.repr for one in fields(kind) if one.name == "token"] == [False]
