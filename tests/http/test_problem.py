"""Errors as HTTP."""

from __future__ import annotations

import pytest

from valetkey.core import errors
from valetkey.core.errors import Code, Forbidden, Malformed, NotFound, ValetkeyError
from valetkey.http.problem import OWN_STATUSES, STATUSES, TITLES, problem, status_of, unforeseen


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_a_title(code: Code) -> None:
    """A code that is raised can be answered."""
    title = TITLES[code]
    assert title[0].isupper()
    assert not title.endswith(".")


def test_every_kind_of_error_has_a_status() -> None:
    """The tree has eight kinds, and so has the table."""
    kinds = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, ValetkeyError) and kind is not ValetkeyError
    }
    assert kinds == STATUSES.keys()
    assert len(kinds) == 8


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.Malformed, 400),
        (errors.Unauthenticated, 401),
        (errors.Forbidden, 403),
        (errors.NotFound, 404),
        (errors.Conflict, 409),
        (errors.ChainRejected, 422),
        (errors.Limited, 429),
        (errors.Unavailable, 503),
    ],
)
def test_a_kind_has_its_status_whatever_the_code(kind: type[ValetkeyError], status: int) -> None:
    """The status comes from the kind, but for codes that HTTP has a status of its own for."""
    for code in Code:
        assert status_of(kind(code, "why")) == OWN_STATUSES.get(code, status)


def test_a_problem_has_the_members_of_the_standard_and_the_facts() -> None:
    """RFC 9457 section 3.1 and 3.2; facts never replace the standard's members."""
    error = Forbidden(Code.CAP_EXCEEDED, "20 allowed", caveat="caps[0].lifetime", status=200)
    assert problem(error, request_id="req_1") == {
        "type": "/problems/cap_exceeded",
        "title": "Over the cap",
        "status": 403,
        "detail": "20 allowed",
        "code": "cap_exceeded",
        "request_id": "req_1",
        "caveat": "caps[0].lifetime",
    }


def test_what_is_unforeseen_says_where_to_look_and_nothing_else() -> None:
    """The reason stays in the log."""
    body = problem(unforeseen("req_1"), request_id="req_1")
    assert body["status"] == 500
    assert "req_1" in str(body["detail"])


def test_http_has_statuses_of_its_own() -> None:
    """404 for no route, 405, 413, 414, 415, 431."""
    assert status_of(NotFound(Code.NO_SUCH_ROUTE, "")) == 404
    codes = {
        Code.METHOD_NOT_ALLOWED: 405,
        Code.BODY_TOO_LARGE: 413,
        Code.URL_TOO_LONG: 414,
        Code.UNSUPPORTED_MEDIA_TYPE: 415,
        Code.HEADERS_TOO_LARGE: 431,
    }
    assert {code: status_of(Malformed(code, "")) for code in codes} == codes
