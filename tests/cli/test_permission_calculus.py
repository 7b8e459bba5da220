"""Permissions are linted, compared, tested and proposed without any server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.program import valetkey
from tests.cli.test_permission import PERMISSION, SHOP, TOKEN
from tests.core.strategies import calldata
from valetkey.core.permission.effects import selector_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.program import Ended

START = PERMISSION["starts_at"]
CAPS = PERMISSION["caps"]
TIMELESS = {name: PERMISSION[name] for name in ("chain", "recipients", "rules", "caps")}
OTHER = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"
USDC = f"USDC ({TOKEN})"


def transfer(amount: int, to: str = SHOP) -> dict[str, str]:
    """Return a transfer as it is recorded."""
    data = calldata(selector_of("transfer(address,uint256)"), bytes.fromhex(to[2:]), amount)
    return {"to": TOKEN, "data": f"0x{data.hex()}"}


RUNS: list[dict[str, Any]] = [
    {"at": START, "calls": [transfer(5_000_000)]},
    {"at": START + 60, "calls": []},
    {"at": START + 60, "calls": [transfer(9_000_000), transfer(1_000_000)]},
]


@pytest.fixture
def ask(tmp_path: Path) -> Any:  # noqa: ANN401 - a function
    """Return what writes documents to files and asks about them."""

    def asked(verb: str, *documents: object, options: tuple[object, ...] = ()) -> Ended:
        files = []
        for index, document in enumerate(documents):
            files.append(tmp_path / f"{index}.json")
            files[-1].write_text(json.dumps(document))
        return valetkey("permission", verb, *files, *options)

    return asked


def test_lint_says_the_fix_and_ends_with_1_for_an_error(ask: Any) -> None:  # noqa: ANN401
    """Warnings and remarks alone end with 0."""
    fine = ask("lint", PERMISSION)
    assert fine.code == 0
    assert "info  no-call-count at max_calls" in fine.out
    assert "  fix: " in fine.out
    bad = ask("lint", PERMISSION | {"caps": []}, options=("--json",))
    assert bad.code == 1
    first = bad.document["findings"][0]
    assert (first["rule"], first["severity"], first["place"]) == ("no-cap", "error", "rules[0]")
    bound = {"max_calls": 5, "relayer": SHOP, "fee_budget_wei": "1"}
    assert ask("lint", PERMISSION | bound).out == "nothing to say\n"


def test_worst_case_is_a_table(ask: Any) -> None:  # noqa: ANN401
    """Numbers with their reason, or the reason why there is none."""
    named = ("--name", f"{TOKEN}=USDC")
    told = ask("worst-case", PERMISSION, options=named)
    assert told.out.startswith("worst case: 20 USDC\n")
    assert "the lifetime cap" in told.out
    swap = {"target": SHOP, "function": "swap(uint256)"}
    opened = PERMISSION | {"recipients": "anything", "rules": [swap], "caps": []}
    assert "every token" in ask("worst-case", opened).out
    assert "unbounded" in ask("worst-case", PERMISSION | {"caps": []}).out
    assert ask("worst-case", opened, options=("--json",)).document["others"]
    nothing = ask("worst-case", PERMISSION | {"rules": []})
    assert nothing.out == "worst case: nothing can be moved\n"


def test_diff_says_what_changes_and_whether_it_is_more(ask: Any) -> None:  # noqa: ANN401
    """With the names that the person gives."""
    lower = PERMISSION | {"caps": [CAPS[0] | {"lifetime": "10000000"}]}
    named = ("--name", f"{TOKEN}=USDC")
    less = ask("diff", PERMISSION, lower, options=named)
    assert less.out.splitlines() == [
        f"  lowered cap on {USDC}: in all: 20 → 10",
        "It allows nothing that was not allowed before.",
    ]
    more = ask("diff", lower, PERMISSION, options=named)
    assert "It allows more than before:" in more.out
    assert f"call {TOKEN} with 0 wei" in more.out
    told = ask("diff", lower, PERMISSION, options=("--json",)).document
    assert told["widens"] is True
    assert told["changes"][0]["kind"] == "raised"
    assert told["new_within_old"]["caveat"] == "rules[0]"
    assert ask("diff", PERMISSION, PERMISSION).out == "nothing changes\n"


@pytest.mark.parametrize(
    ("more", "said", "told"),
    [
        ({"scopes": ["a"]}, "use the scope a", {"scope": "a"}),
        ({"messages": [{"text": ["Hi ", "\n"]}]}, "sign the text 'Hi !\\n'", {"text": "Hi !\n"}),
        (
            {
                "typed_data": [
                    {
                        "name": "Shop",
                        "version": None,
                        "verifying_contract": OTHER,
                        "type": "Buy(uint8 count)",
                        "where": [
                            {
                                "field": ["count"],
                                "operator": "equals",
                                "values": ["0x" + "7".zfill(64)],
                            }
                        ],
                    }
                ]
            },
            f"sign Buy for {OTHER}, count 0x7",
            {"contract": OTHER, "type": "Buy(uint8 count)"},
        ),
    ],
    ids=["scope", "text", "typed data"],
)
def test_subset_proves_a_no_by_what_is_signed_or_asked_for(
    ask: Any,  # noqa: ANN401
    more: dict[str, Any],
    said: str,
    told: dict[str, str],
) -> None:
    """A trace is not of calls alone."""
    refused = ask("subset", PERMISSION | more, PERMISSION)
    assert refused.code == 1
    assert said in refused.out
    answer = ask("subset", PERMISSION | more, PERMISSION, options=("--json",)).document
    (request,) = answer["requests"]
    assert request.items() >= (told | {"at": START}).items()
    assert answer["stages"] == []


def test_subset_proves_a_no(ask: Any) -> None:  # noqa: ANN401
    """Exit code 1, and calls with their times."""
    assert "within" in ask("subset", PERMISSION, PERMISSION).out
    hourly = CAPS[0] | {"lifetime": None, "window": {"limit": "6000000", "window_s": 600}}
    child = PERMISSION | {"caps": [hourly]}
    refused = ask("subset", child, PERMISSION)
    assert refused.code == 1
    assert f"more than 20 of {TOKEN} (caps[0].lifetime of the other)" in refused.out
    assert f"at second {START} and every 600 s, 3 times:" in refused.out
    told = ask("subset", child, PERMISSION, options=("--json",))
    assert (told.code, told.document["within"]) == (1, False)
    assert told.document["stages"][0]["runs"][0]["calls"][0]["to"] == TOKEN
    assert ask("subset", PERMISSION, PERMISSION, options=("--json",)).document["within"] is True


@pytest.mark.parametrize(
    ("change", "said"),
    [({"max_calls": 2}, "3 times a run without calls"), ({"fee_budget_wei": "4"}, "fee of 5 wei")],
    ids=["count", "fees"],
)
def test_a_proof_may_need_no_call(ask: Any, change: dict[str, Any], said: str) -> None:  # noqa: ANN401
    """Runs without calls are counted and cost fees."""
    assert said in ask("subset", PERMISSION, PERMISSION | change).out


def test_permissions_without_times_begin_now_together(ask: Any) -> None:  # noqa: ANN401
    """With --ttl; without it the command is used wrongly."""
    assert ask("subset", TIMELESS, TIMELESS, options=("--ttl", "1h")).code == 0
    assert ask("subset", TIMELESS, TIMELESS).code == 2
    assert ask("lint", TIMELESS, options=("--ttl", "31d", "--json")).document["findings"]


def test_backtest_says_what_would_have_been_refused(ask: Any) -> None:  # noqa: ANN401
    """And the share of each limit; exit code 1 if anything is refused."""
    fine = ask("backtest", PERMISSION, {"runs": RUNS})
    assert fine.code == 0
    assert fine.out.startswith("3 accepted, 0 refused\n")
    assert "15 of 20  75 %" in fine.out
    approve = {"target": TOKEN, "function": "approve(address,uint256)"}
    rules = PERMISSION | {"rules": [*PERMISSION["rules"], approve]}
    runs = [*RUNS, {"at": START + 70, "calls": [transfer(1, OTHER)]}]
    refused = ask("backtest", rules, {"runs": runs})
    assert refused.code == 1
    assert f"run 3 at second {START + 70}: {OTHER} is not among the 1 allowed" in refused.out
    assert "rules[1] was never used" in refused.out
    told = ask("backtest", rules, {"runs": runs}, options=("--json",)).document
    assert told["refused"][0]["code"] == "recipient_not_allowed"
    assert told["limits"][0]["percent"] == 75
    own = ask("backtest", PERMISSION, {"runs": RUNS[:1]}, options=("--account", TOKEN, "--json"))
    assert own.document["refused"][0]["code"] == "target_forbidden"
    bare = ask("backtest", PERMISSION | {"rules": [], "caps": []}, {"runs": RUNS[1:2]})
    assert bare.out == "1 accepted, 0 refused\n"


def test_a_permission_without_times_is_tried_for_the_time_of_the_recording(ask: Any) -> None:  # noqa: ANN401
    """What was recorded is over: the permission starts with it, and lasts as long or --ttl."""
    assert ask("backtest", TIMELESS, {"runs": RUNS}).out.startswith("3 accepted, 0 refused\n")
    short = ask("backtest", TIMELESS, {"runs": RUNS}, options=("--ttl", "60s"))
    assert (short.code, short.out.partition("\n")[0]) == (1, "1 accepted, 2 refused")
    assert ask("backtest", TIMELESS, {"runs": []}).out.startswith("0 accepted, 0 refused\n")


def test_propose_writes_what_backtest_accepts(ask: Any) -> None:  # noqa: ANN401
    """The document alone is on standard output, for a file; what it means goes beside it."""
    options = ("--chain", "eip155:31337", "--decimals", f"{TOKEN}=6", "--name", f"{TOKEN}=USDC")
    told = ask("propose", {"runs": RUNS}, options=options)
    assert told.code == 0
    document = json.loads(told.out)
    assert document["version"] == 1
    assert not {"relayer", "starts_at", "expires_at"} & set(document)
    assert document["caps"][0]["lifetime"] == "15000000"
    assert f"Of {USDC} at most 9 in one call, 15 in all" in told.err
    assert ask("backtest", document, {"runs": RUNS}).code == 0
    assert ask("backtest", document, {"runs": [*RUNS, RUNS[-1]]}).code == 1
    timed = json.loads(ask("propose", {"runs": RUNS}, options=(*options, "--times")).out)
    assert (timed["starts_at"], timed["expires_at"]) == (RUNS[0]["at"], RUNS[-1]["at"] + 1)
    slack = (
        "--more-amounts",
        "100",
        "--more-calls",
        "100",
        "--more-time",
        "100",
        "--times",
        "--json",
    )
    wider = ask("propose", {"runs": RUNS}, options=(*options, *slack)).document
    assert ask("backtest", wider, {"runs": [*RUNS, RUNS[-1]]}).code == 0
    assert ask("subset", timed, wider).code == 0


@pytest.mark.parametrize(
    ("runs", "place"),
    [
        ({}, "runs"),
        ({"runs": [{"at": START}]}, "runs[0]"),
        ({"runs": [{"at": START, "calls": [{"to": "0x12"}]}]}, "runs[0].calls[0].to"),
        ({"runs": [{"at": 9, "calls": []}, {"at": 8, "calls": []}]}, "runs[1].at"),
        ([], "expected a recording"),
    ],
    ids=["empty", "field", "hex", "order", "type"],
)
def test_a_recording_that_is_none_is_refused_with_its_place(
    ask: Any,  # noqa: ANN401
    runs: object,
    place: str,
) -> None:
    """As a call that is none."""
    refused = ask("backtest", PERMISSION, runs, options=("--json",))
    assert (refused.code, refused.error) == (1, "malformed_call")
    assert place in refused.err


@pytest.mark.parametrize("value", [TOKEN, f"{TOKEN}=", f"{TOKEN}=78", f"{TOKEN}=x", "0x1=6"])
def test_decimals_that_are_none_are_a_usage_error(ask: Any, value: str) -> None:  # noqa: ANN401
    """Exit code 2."""
    options = ("--chain", "eip155:1", "--decimals", value)
    assert ask("propose", {"runs": RUNS}, options=options).code == 2


def test_nothing_recorded_proposes_nothing(ask: Any) -> None:  # noqa: ANN401
    """A permission needs a time to be valid in."""
    refused = ask("propose", {"runs": []}, options=("--chain", "eip155:1", "--json"))
    assert (refused.code, refused.error) == (1, "malformed_permission")


def test_a_recording_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """Before it is parsed."""
    long = tmp_path / "long.json"
    long.write_bytes(b" " * (16 * 1024 * 1024 + 1))
    file = tmp_path / "permission.json"
    file.write_text(json.dumps(PERMISSION))
    refused = valetkey("permission", "backtest", file, long, "--json")
    assert (refused.code, refused.error) == (1, "malformed_call")


def test_propose_makes_wide_only_what_is_asked_for(ask: Any) -> None:  # noqa: ANN401
    """By address; whatever moves value is named all the same."""
    runs = [*RUNS, {"at": START + 60, "calls": [{"to": OTHER, "data": "0x01020304"}]}]
    options = ("--chain", PERMISSION["chain"], "--decimals", f"{TOKEN}=6")
    plain = ask("propose", {"runs": runs}, options=options).document
    assert not plain.get("wide_rules")
    asked = ask("propose", {"runs": runs}, options=(*options, "--wide", OTHER)).document
    assert [rule["target"] for rule in asked["wide_rules"]] == [OTHER]
    assert [rule["target"] for rule in asked["rules"]] == [TOKEN]
    assert ask("propose", {"runs": runs}, options=(*options, "--wide", "0x12")).code == 2
