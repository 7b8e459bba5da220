"""The log is what was written, or the line where it is not is named."""

from __future__ import annotations

import json
import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from tests.cli.program import process, valetkey

if TYPE_CHECKING:
    from pathlib import Path

HEADS: Final = "audit-heads.jsonl"


def tamper(home: Path, *statements: str) -> None:
    """Change the store past the server."""
    with closing(sqlite3.connect(home / "store.db")) as store, store:
        for statement in statements:
            store.execute(statement)


def keep_heads(home: Path) -> Path:
    """Return a copy of the signed heads, kept where the server does not write."""
    told = valetkey("audit", "head", "--home", home, "--json").document["items"]
    kept = home.parent / "kept.jsonl"
    kept.write_text("".join(json.dumps(one) + "\n" for one in told))
    return kept


def test_a_log_as_it_was_written_is_whole(home: Path) -> None:
    """With a signed head and without."""
    assert valetkey("audit", "verify", "--home", home).code == 0
    told = valetkey("audit", "verify", "--home", home, "--heads", keep_heads(home), "--json")
    (organization,) = told.document["organizations"]
    assert told.code == 0
    assert told.document["ok"] is True
    assert organization["lines"] == organization["head"]["seq"] == 2
    assert organization["broken"] is None


@pytest.mark.parametrize(
    ("statement", "line", "problem"),
    [
        ("UPDATE audit_line SET body = replace(body, ':opened', ':closed')", 1, "changed"),
        ("DELETE FROM audit_line WHERE id LIKE '%1'", 1, "missing"),
        ("DELETE FROM audit_line WHERE id LIKE '%2'", 2, "cut"),
        ("DELETE FROM audit_line", 1, "cut"),
    ],
    ids=["changed", "first gone", "last gone", "all gone"],
)
def test_a_change_behind_the_servers_back_is_found(
    home: Path, statement: str, line: int, problem: str
) -> None:
    """The organization, the line and the problem."""
    kept = keep_heads(home)
    tamper(home, statement)
    told = valetkey("audit", "verify", "--home", home, "--heads", kept, "--json")
    broken = told.document["organizations"][0]["broken"]
    assert told.code == 1
    assert broken["line"] == line
    assert problem in broken["problem"]
    assert "[audit_broken]" in told.err


def test_a_person_sees_where_it_is_broken(home: Path) -> None:
    """The same in a table, and the exit code says it to a script."""
    tamper(home, "UPDATE audit_line SET body = replace(body, ':opened', ':closed')")
    told = process("audit", "verify", "--home", home)
    assert told.code == 1
    assert "line 1: it was changed after it was written" in told.out
    assert told.err.splitlines()[-1].endswith("line 1 [audit_broken]")


def test_a_cut_that_the_store_agrees_with_needs_a_head_from_elsewhere(home: Path) -> None:
    """A log that was cut together with its own head looks whole, but not to a kept one."""
    kept = keep_heads(home)
    tamper(home, "DELETE FROM audit_line", "DELETE FROM audit_head")
    without = valetkey("audit", "verify", "--home", home)
    assert without.code == 0
    assert "no signed heads" in without.err
    assert valetkey("audit", "verify", "--home", home, "--heads", kept).code == 1


def test_a_log_that_is_gone_is_found_by_the_head_that_the_store_still_has(home: Path) -> None:
    """Even without a head from elsewhere: the store contradicts itself."""
    tamper(home, "DELETE FROM audit_line")
    (home / "audit-heads.jsonl").unlink(missing_ok=True)
    assert valetkey("audit", "verify", "--home", home).code == 1


def test_an_organization_that_is_gone_altogether_is_found(home: Path) -> None:
    """Its kept head names a log that is not there."""
    kept = keep_heads(home)
    statements = ("DELETE FROM audit_line", "DELETE FROM audit_head", "DELETE FROM organization")
    tamper(home, *statements)
    assert valetkey("audit", "verify", "--home", home, "--heads", kept).code == 1


def test_a_head_that_this_server_did_not_sign_is_found(home: Path) -> None:
    """Whoever can write the file can only break it."""
    kept = keep_heads(home)
    head = json.loads(kept.read_text())
    kept.write_text(json.dumps(head | {"seq": 1}) + "\n")
    told = valetkey("audit", "verify", "--home", home, "--heads", kept, "--json")
    assert told.code == 1
    assert "not signed" in told.document["organizations"][0]["broken"]["problem"]


@pytest.mark.parametrize("line", ["", "{}", '{"seq": 1}', "nonsense", "x" * 5000])
def test_a_line_of_the_heads_file_that_is_no_head_is_found(home: Path, line: str) -> None:
    """It is named by its number; nobody should be able to hide a head by spoiling it."""
    kept = keep_heads(home)
    kept.write_text(f"{kept.read_text()}{line}\n")
    told = valetkey("audit", "verify", "--home", home, "--heads", kept, "--json")
    assert told.code == 1
    assert [one["line"] for one in told.document["bad_heads"]] == [2]


def test_an_interrupted_write_of_a_head_is_passed_over_and_taken_away(home: Path) -> None:
    """A crash in the middle of a line breaks neither the check nor the next line."""
    for _ in range(2):
        assert valetkey("audit", "head", "--append", "--home", home).code == 0
    path = home / HEADS
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"organization_id": "or')
    assert valetkey("audit", "verify", "--home", home).code == 0
    assert valetkey("audit", "head", "--append", "--home", home).code == 0
    assert path.read_bytes().startswith(whole)
    assert path.read_bytes().count(b"\n") == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert valetkey("audit", "verify", "--home", home, "--json").document["bad_heads"] == []


def test_without_a_server_there_is_nothing_to_verify(tmp_path: Path) -> None:
    """One sentence that says what to do, and no file is made."""
    told = valetkey("audit", "verify", "--home", tmp_path, "--json")
    assert (told.code, told.error) == (1, "malformed_config")
    assert "valetkey init" in told.err
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_gone_is_not_made_anew(home: Path) -> None:
    """An empty log in the place of a lost one would look whole."""
    (home / "store.db").unlink()
    told = valetkey("audit", "verify", "--home", home, "--json")
    assert (told.code, told.error) == (1, "store_unavailable")
    assert not (home / "store.db").exists()
