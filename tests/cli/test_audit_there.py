"""The audit log of a server that somebody else runs, checked with nothing but a key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.cli.program import Ended, valetkey
from tests.cli.test_audit import HEADS, tamper
from tests.cli.test_serve import serving
from tests.leaks import secret
from valetkey import Valetkey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class There:
    """
    A server as its customers see it, whose store a test may spoil.

    Args:
        kept: A file of theirs.
    """

    home: Path
    url: str
    api_key: str
    kept: Path

    def audit(self, *arguments: object, api_key: str | None = None) -> Ended:
        """Run a command of ``audit``, told where by the environment."""
        env = {"VALETKEY_URL": self.url, "VALETKEY_API_KEY": api_key or self.api_key}
        return valetkey("audit", *arguments, env=env)


@pytest.fixture
def there(tmp_path: Path) -> Iterator[There]:
    """Return a server with an organization that did three things."""
    home = tmp_path / "home"
    key = valetkey("init", "--home", home, "--json").document["secret_key"]
    secret(key.encode())
    with serving(home) as (_, url):
        with Valetkey(url, api_key=key) as server:
            for name in ("a", "b", "c"):
                server.users.add(name)
        yield There(home, url, key, tmp_path / "kept.jsonl")


def test_a_log_is_verified_against_what_was_kept(there: There) -> None:
    """Heads of several days in one file of one's own; the same document as on the machine."""
    for _ in range(2):
        assert there.audit("head", "--to", there.kept).code == 0
    told = there.audit("verify", "--heads", there.kept, "--json")
    assert (told.code, told.document["ok"]) == (0, True)
    local = valetkey("audit", "verify", "--home", there.home, "--heads", there.kept, "--json")
    assert told.document == local.document
    (one,) = told.document["organizations"]
    assert one["lines"] == one["head"]["seq"] == 5


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE audit_line SET body = replace(body, 'user:added', 'user:erased')", "changed"),
        ("DELETE FROM audit_line WHERE id LIKE '%3'", "missing"),
        ("DELETE FROM audit_line WHERE id LIKE '%5'", "cut"),
    ],
    ids=["changed", "taken out", "cut"],
)
def test_what_its_operator_changed_is_found(there: There, statement: str, problem: str) -> None:
    """The attack: whoever has the store spoils it while the server runs."""
    there.audit("head", "--to", there.kept)
    tamper(there.home, statement)
    told = there.audit("verify", "--heads", there.kept, "--json")
    assert told.code == 1
    assert problem in told.document["organizations"][0]["broken"]["problem"]
    assert "[audit_broken]" in told.err


def test_a_log_written_anew_is_found_by_a_kept_head_alone(there: There) -> None:
    """The attack: everything after line 2 goes, with the head; a person is told what is needed."""
    there.audit("head", "--to", there.kept)
    first = there.audit("verify")
    assert first.code == 0
    assert "no signed heads" in first.err
    tamper(there.home, "DELETE FROM audit_line", "DELETE FROM audit_head")
    assert there.audit("verify").code == 0
    told = there.audit("verify", "--heads", there.kept)
    assert told.code == 1
    assert "was cut" in told.out


def test_an_organization_below_is_verified_by_those_above(there: There) -> None:
    """A file with heads of both holds each to its own; a file with none of it is a break."""
    with Valetkey(there.url, api_key=there.api_key) as server:
        child = server.organizations.open("Below")
    secret((child.secret_key or "").encode())
    there.audit("head", "--to", there.kept)
    of_child = ("--organization", child.id)
    told = there.audit("verify", *of_child, "--heads", there.kept, "--json")
    assert told.code == 1
    assert "none of the kept" in told.document["organizations"][0]["broken"]["problem"]
    there.audit("head", *of_child, "--to", there.kept)
    told = there.audit("verify", *of_child, "--heads", there.kept, "--json")
    assert (told.code, told.document["organizations"][0]["organization_id"]) == (0, child.id)
    assert there.audit("verify", "--heads", there.kept).code == 0
    above = valetkey("audit", "verify", "--home", there.home, "--json").document
    (own,) = [
        one["organization_id"]
        for one in above["organizations"]
        if one["organization_id"] != child.id
    ]
    refused = there.audit("verify", "--organization", own, "--json", api_key=child.secret_key)
    assert (refused.code, refused.error) == (1, "not_found")


def test_a_spoilt_head_is_found(there: There) -> None:
    """One that says another line than was signed, and a line that is no head."""
    there.audit("head", "--to", there.kept)
    whole = there.kept.read_text()
    there.kept.write_text(json.dumps(json.loads(whole) | {"seq": 1}) + "\n")
    told = there.audit("verify", "--heads", there.kept, "--json")
    assert told.code == 1
    assert "not signed" in told.document["organizations"][0]["broken"]["problem"]
    there.kept.write_text(whole + "nonsense\n")
    told = there.audit("verify", "--heads", there.kept, "--json")
    assert (told.code, told.document["bad_heads"][0]["line"]) == (1, 2)


def test_one_place_is_looked_at(there: There) -> None:
    """The one on the command line; both are a wrong use, and so is half of one."""
    named = there.audit("verify", "--home", there.home, "--json")
    assert (named.code, named.document["heads_file"]) == (0, str(there.home / HEADS))
    for options in (
        ("--home", there.home, "--url", there.url),
        ("--home", there.home, "--organization", "org_" + "0" * 24),
    ):
        assert there.audit("verify", *options).code == 2
    assert there.audit("head", "--append").code == 2
    assert valetkey("audit", "verify", "--url", there.url).code == 2
    wrong = "vk_secret_" + "a" * 43
    refused = there.audit("verify", "--json", api_key=wrong)
    assert (refused.code, refused.error) == (1, "proof_refused")
    assert wrong not in refused.out + refused.err
