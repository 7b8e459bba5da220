"""Bodies of vendors' formats are shown without their secrets: what is printed ends in logs."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Final

import msgspec
import pytest

from valetkey.http import dialects
from valetkey.http.dialects.para.session import Jwt

SECRET: Final = frozenset(
    {
        "backup_response",
        "client_api_key",
        "client_session_token",
        "code",
        "custodian_backup_share",
        "custodian_signing_share",
        "generate_response",
        "share",
        "signer",
        "ssid",
    }
)


def bodies() -> list[type[msgspec.Struct]]:
    """Return every body of a dialect that has a field with such a name."""
    found = {}
    for one in pkgutil.walk_packages(dialects.__path__, f"{dialects.__name__}."):
        for value in vars(importlib.import_module(one.name)).values():
            is_body = isinstance(value, type) and issubclass(value, msgspec.Struct)
            if is_body and SECRET & set(value.__struct_fields__):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return [found[name] for name in sorted(found)]


def test_there_are_such_bodies() -> None:
    """The walk finds those of both vendors."""
    assert {one.__module__.split(".")[3] for one in bodies()} == {"para", "portal"}


@pytest.mark.parametrize("body", bodies(), ids=lambda body: body.__qualname__)
def test_a_body_says_nothing_of_its_secrets(body: type[msgspec.Struct]) -> None:
    """Neither shares, nor one-time codes, nor tokens, whoever prints it."""
    made = body(**{name: f"what {name} holds" for name in body.__struct_fields__})
    for name in SECRET & set(body.__struct_fields__):
        assert f"what {name} holds" not in repr(made)


def test_a_signed_token_is_not_shown_either() -> None:
    """Elsewhere a token is a coin, whose name is no secret."""
    assert "signed" not in repr(Jwt("signed", "key"))
