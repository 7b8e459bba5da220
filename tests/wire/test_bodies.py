"""What all bodies of the wire have in common."""

from __future__ import annotations

import inspect
import itertools

import msgspec
import pytest

from valetkey.wire import (
    activity,
    base,
    credential,
    explain,
    organization,
    permission,
    server,
    session,
    wallet,
)

MODULES = (activity, base, credential, explain, organization, permission, server, session, wallet)
BODIES = sorted(
    {
        body
        for body in itertools.chain.from_iterable(vars(module).values() for module in MODULES)
        if inspect.isclass(body)
        and issubclass(body, msgspec.Struct)
        and body.__module__.startswith("valetkey.wire")
    },
    key=lambda body: body.__name__,
)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_a_body_cannot_be_changed_and_says_what_it_is(body: type[msgspec.Struct]) -> None:
    """Bodies are values; their docstrings are the OpenAPI document's descriptions."""
    assert body.__struct_config__.frozen
    assert inspect.getdoc(body)


@pytest.mark.parametrize(
    "body", [body for body in BODIES if issubclass(body, base.Asked)], ids=lambda one: one.__name__
)
def test_what_is_sent_to_us_is_strict(body: type[msgspec.Struct]) -> None:
    """A field that we do not know may be one that would have limited something."""
    assert body.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize(
    "body", [body for body in BODIES if issubclass(body, base.Told)], ids=lambda one: one.__name__
)
def test_what_we_answer_can_grow(body: type[msgspec.Struct]) -> None:
    """An older reader passes over what came later."""
    assert not body.__struct_config__.forbid_unknown_fields


def test_no_two_bodies_have_one_name() -> None:
    """The name is the schema's in the OpenAPI document."""
    names = [body.__name__ for body in BODIES]
    assert len(set(names)) == len(names)
