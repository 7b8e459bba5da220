"""A permission is explained without any server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.program import valetkey

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "0x5fbdb2315678afecb367f032d93f642f64180aa3"  # noqa: S105 - an address
SHOP = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
PERMISSION: dict[str, Any] = {
    "chain": "eip155:31337",
    "starts_at": 1_800_000_000,
    "expires_at": 1_800_003_600,
    "recipients": [SHOP],
    "rules": [{"target": TOKEN, "function": "transfer(address,uint256)"}],
    "caps": [{"asset": TOKEN, "decimals": 6, "lifetime": "20000000"}],
}


def explain(document: object, *options: str) -> Any:  # noqa: ANN401 - how it ended
    """Return how the command ended that explains *document*, given on standard input."""
    given = json.dumps(document).encode()
    return valetkey("permission", "explain", "-", *options, given=given)


def test_a_person_reads_what_it_allows_and_the_worst_case(tmp_path: Path) -> None:
    """One text, with the names that the person gives."""
    file = tmp_path / "permission.json"
    file.write_text(json.dumps(PERMISSION))
    told = valetkey("permission", "explain", file, "--name", f"{TOKEN}=USDC")
    assert told.code == 0
    assert told.out.startswith(
        f"may call transfer on USDC ({TOKEN}) to 1 address · 20 USDC at most"
    )
    assert "worst case  20 USDC\n" in told.out
    assert "it compiles" in told.out


def test_a_program_gets_one_document() -> None:
    """The same as the server's own answer has."""
    told = explain(PERMISSION, "--json").document
    assert told["compiles"] is True
    assert told["permission_id"].startswith("0x")
    assert told["worst_case"]["bounds"][0]["amount"] == "20000000"


def test_a_life_can_be_given_to_a_permission_that_has_none() -> None:
    """It begins now; a file without times and no --ttl is a usage error."""
    timeless = {name: PERMISSION[name] for name in ("chain", "recipients", "rules", "caps")}
    assert "Valid for 1 h," in explain(timeless, "--ttl", "1h").out
    assert explain(timeless).code == 2
    assert explain(timeless, "--ttl", "1 hour").code == 2


def test_what_the_chain_cannot_enforce_is_said() -> None:
    """It is no error: the permission may be meant for a server."""
    told = explain(PERMISSION | {"fee_budget_wei": "1"}, "--json")
    assert told.code == 0
    assert told.document["compiles"]["caveat"] == "fee_budget_wei"
    bound = PERMISSION | {"fee_budget_wei": "1", "relayer": SHOP}
    assert "but for fee_budget_wei: the server alone does" in explain(bound).out


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"chain": 1}, "at chain"),
        ({"rules": [{"target": "0x12"}]}, "rules[0].target"),
        ({"rules": [{"target": TOKEN, "functoin": "f()"}]}, "functoin"),
        ({"recipients": [SHOP[:-1] + "G"]}, "recipients[0]"),
        ({"expires_at": 1_799_999_999}, "starts_at, expires_at"),
        ({"caps": [{"asset": TOKEN, "decimals": 6}]}, "caps[0]"),
    ],
    ids=["type", "length", "unknown field", "hex", "times", "empty cap"],
)
def test_a_permission_that_is_none_is_refused_with_its_place(
    change: dict[str, object], place: str
) -> None:
    """Exit code 1, one sentence, what was expected and where."""
    refused = explain(PERMISSION | change, "--json")
    assert (refused.code, refused.error) == (1, "malformed_permission")
    assert place in refused.err
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize(
    "given", [b"", b"{", b"\xff", b"[" * 5000, b" " * 70_000], ids=["", "{", "xff", "deep", "long"]
)
def test_what_is_no_json_is_refused(given: bytes) -> None:
    """Whatever the bytes are."""
    refused = valetkey("permission", "explain", "-", "--json", given=given)
    assert (refused.code, refused.error) == (1, "malformed_permission")
    assert ("expected a permission: JSON that ends too early" in refused.err) is (
        given in {b"", b"{"}
    )


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    """Exit code 2."""
    assert valetkey("permission", "explain", tmp_path / "none.json").code == 2
