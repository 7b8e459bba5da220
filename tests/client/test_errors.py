"""Errors of the server arrive as the same kinds, with their code and facts."""

from __future__ import annotations

import json

import pytest

import valetkey
from valetkey.client.errors import problem
from valetkey.core.errors import Code, ValetkeyError
from valetkey.http.problem import STATUSES
from valetkey.http.problem import problem as told


@pytest.mark.parametrize("kind", STATUSES)
@pytest.mark.parametrize("code", [Code.CONFLICT, Code.CAP_EXCEEDED])
def test_every_kind_comes_back_as_itself(kind: type[ValetkeyError], code: Code) -> None:
    """Whoever catches an error of the SDK catches what the server raised."""
    body = told(kind(code, "expected one, got two", caveat="caps[0]"), request_id="req_1")
    error = problem(STATUSES[kind], json.dumps(body).encode(), {})
    assert type(error) is kind
    assert (error.code, error.detail) == (code, "expected one, got two")
    assert error.facts == {"caveat": "caps[0]", "request_id": "req_1", "status": STATUSES[kind]}


def test_every_kind_can_be_imported_from_the_package() -> None:
    """One import for everything that is caught."""
    assert all(getattr(valetkey, kind.__name__) is kind for kind in STATUSES)


@pytest.mark.parametrize("status", [405, 413, 415, 418])
def test_other_client_errors_are_malformed(status: int) -> None:
    """HTTP has more words for it than we do."""
    error = problem(status, b'{"code":"malformed_body","detail":"d"}', {"x-request-id": "req_2"})
    assert isinstance(error, valetkey.Malformed)
    assert error.facts["request_id"] == "req_2"


def test_a_code_of_a_newer_server_is_kept() -> None:
    """An old client says what it does not know."""
    error = problem(403, b'{"code":"moon_phase","detail":"d","self":1,"unknown_code":2}', {})
    assert isinstance(error, valetkey.Forbidden)
    assert error.code is Code.INTERNAL
    assert error.facts["unknown_code"] == "moon_phase"


def test_the_refusal_to_sign_is_not_an_ordinary_error() -> None:
    """Code that goes on after a refusal must not go on after a lie."""
    assert not issubclass(valetkey.RefusedToSign, ValetkeyError)
