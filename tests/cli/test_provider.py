"""Identity providers on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.program import valetkey
from tests.issuer import AUDIENCE, ISSUER, Issuer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Live

WHO = ("--issuer", ISSUER, "--audience", AUDIENCE)


def test_a_provider_is_set_listed_and_removed(live: Live, tmp_path: Path) -> None:
    """Its keys come from a file; from the next request on it logs users in, or nobody."""
    file, broken = tmp_path / "keys.json", tmp_path / "broken.json"
    file.write_text(Issuer().keys_text)
    broken.write_text("[]")
    base = ("identity-provider", "set", "custom", *WHO)
    said = valetkey(*base, "--keys", str(file), env=live.env).out
    assert said == f"tokens of {ISSUER} for {AUDIENCE} log users in\n"
    listed = valetkey("identity-provider", "list", env=live.env).out
    assert "custom" in listed
    assert ISSUER in listed
    for wrong in ((), ("--keys", str(broken)), ("--keys", str(file), "--keys-url", "https://b")):
        refused = valetkey(*base, *wrong, "--json", env=live.env)
        assert (refused.code, refused.document["error"]["code"]) == (1, "malformed_body")
    gone = valetkey("identity-provider", "remove", "custom", env=live.env).out
    assert gone == f"tokens of {ISSUER} log nobody in any more\n"
    none = valetkey("identity-provider", "list", env=live.env).out
    assert none == "no identity providers\n"
