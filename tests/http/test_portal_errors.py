"""Every error has a form in Portal's format."""

from __future__ import annotations

import json

import pytest

from valetkey.core.errors import Code, Forbidden, Malformed, Unauthenticated
from valetkey.http.dialects.portal.errors import IDS, MPC, refuse
from valetkey.http.traced import Noted

VENDORS = {
    "AUTH_FAILED",
    "METHOD_UNSUPPORTED",
    "SHARE_PARSING_FAILED",
    "SIGN_SHARE_MISMATCH",
    "STATE_INVALID",
}


@pytest.mark.parametrize("code", Code)
def test_every_code_is_said_in_both_forms(code: Code) -> None:
    """`error` where the vendor has REST, `id` where shares are about, and our code in both."""
    limits = {"policy": "p", "limit": 1, "window_s": 1, "retry_after_s": 1}
    error = Malformed(code, "why", **limits)
    told = json.loads(refuse(error, "req_1", Noted("GET", "/portal/api/v3/clients/me")).body)
    assert told == {"error": "why", "code": code.value, "request_id": "req_1"}
    told = json.loads(refuse(error, "req_1", Noted("POST", f"{MPC}sign")).body)
    assert told["id"] == IDS.get(code, code.value.upper())
    assert told["message"] == "why"


def test_what_the_vendor_has_an_id_for_is_a_bad_request() -> None:
    """Whatever it is here; who may not is told so with 403, and who is unknown with a text."""
    noted = Noted("POST", f"{MPC}sign")
    assert refuse(Forbidden(Code.SHARE_REFUSED, ""), "req_1", noted).status == 400
    forbidden = refuse(Forbidden(Code.SIGNING_FORBIDDEN, ""), "req_1", noted)
    assert (forbidden.status, json.loads(forbidden.body)["id"]) == (403, "AUTH_FAILED")
    unknown = refuse(Unauthenticated(Code.PROOF_REFUSED, "who"), "req_1", noted)
    assert (unknown.status, json.loads(unknown.body)) == (401, "who")
    assert set(IDS.values()) <= VENDORS
