"""The calculus over HTTP: what the command line says, for anybody, and beside the server."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.cli.program import valetkey
from tests.cli.test_permission import PERMISSION, SHOP, TOKEN
from tests.cli.test_permission_calculus import RUNS, START
from tests.http.unchanged import check_problem
from tests.surroundings import surroundings
from tests.worlds import make_world
from valetkey.core.errors import Limited, Malformed
from valetkey.http.calculus.answers import QUESTIONS
from valetkey.http.calculus.calculator import Calculator
from valetkey.http.calculus.worker import work
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.wire.explain import OnePermission
from valetkey.wire.permission import PermissionDocument

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WIDER = PERMISSION | {"caps": [PERMISSION["caps"][0] | {"lifetime": "30000000"}]}
SETTINGS = Settings(reconcile_s=0, names={bytes.fromhex(TOKEN[2:]): "USDC"})
PATIENT_S = 60.0
ASK = OnePermission(permission=PermissionDocument(chain="eip155:1", recipients=[], rules=[]))
QUESTIONS_ASKED: dict[str, tuple[dict[str, Any], tuple[object, ...], tuple[str, ...]]] = {
    "explain": ({"permission": WIDER}, (WIDER,), ("--name", f"{TOKEN}=USDC")),
    "lint": ({"permission": WIDER}, (WIDER,), ()),
    "worst-case": ({"permission": WIDER}, (WIDER,), ("--name", f"{TOKEN}=USDC")),
    "subset": ({"child": WIDER, "parent": PERMISSION}, (WIDER, PERMISSION), ()),
    "diff": (
        {"old": PERMISSION, "new": WIDER},
        (PERMISSION, WIDER),
        ("--name", f"{TOKEN}=USDC"),
    ),
    "backtest": (
        {"permission": WIDER, "runs": RUNS, "account": TOKEN},
        (WIDER, {"runs": RUNS}),
        ("--account", TOKEN),
    ),
    "propose": (
        {
            "chain": "eip155:1",
            "runs": RUNS,
            "decimals": {TOKEN: 6},
            "slack": {"amounts": 10, "calls": 20, "time": 30},
        },
        ({"runs": RUNS},),
        (
            *("--chain", "eip155:1", "--decimals", f"{TOKEN}=6"),
            *("--more-amounts", "10", "--more-calls", "20", "--more-time", "30", "--times"),
        ),
    ),
}


@asynccontextmanager
async def served() -> AsyncIterator[httpx.AsyncClient]:
    """Give somebody who has proven nothing, at a server without a chain."""
    async with (
        running(await make_world(), settings=SETTINGS) as serving,
        httpx.AsyncClient(base_url=serving.url) as client,
    ):
        yield client


@asynccontextmanager
async def calculator(*, answer_s: float = PATIENT_S, waiting: int = 8) -> AsyncIterator[Calculator]:
    """Give a calculator whose process is there."""
    made = Calculator({}, answer_s=answer_s, waiting=waiting)
    with pytest.raises(Malformed):  # the permission has no times; what is asked for is the process
        await made.ask("lint", ASK, caller="1.2.3.4")
    yield made
    await made.close()


def pid_of(one: Calculator) -> int:
    """Return the process that works."""
    assert one.pid is not None
    return one.pid


@pytest.mark.parametrize("name", QUESTIONS)
async def test_the_server_and_the_command_line_say_the_same(name: str, tmp_path: Path) -> None:
    """Every question has one answer, wherever it is asked."""
    body, documents, options = QUESTIONS_ASKED[name]
    files = [tmp_path / f"{index}.json" for index, _ in enumerate(documents)]
    for file, document in zip(files, documents, strict=True):
        file.write_text(json.dumps(document))
    async with served() as client:
        answer = await client.post(f"/v1/permissions/{name}", json=body)
    assert answer.status_code == 200, answer.text
    told = valetkey("permission", name, *files, *options, "--json")
    assert answer.json() == told.document


@pytest.mark.parametrize(
    ("name", "change", "code", "says"),
    [
        ("lint", {"permission": PERMISSION | {"starts_at": 0, "expires_at": None}},
         "malformed_permission", "starts_at and expires_at"),
        ("subset", {"parent": None}, "malformed_body", "parent: Expected `object`"),
        ("diff", {"newer": 1}, "malformed_body", "unknown field `newer`"),
        ("diff", {"old": PERMISSION | {"caps": [{"asset": TOKEN, "decimals": 6}]}},
         "malformed_permission", "per_call, lifetime or window"),
        ("backtest", {"account": "0x12"}, "malformed_body", "account: expected 20 bytes"),
        ("backtest", {"runs": [RUNS[2], RUNS[0]]}, "malformed_call", "runs[1].at"),
        ("backtest", {"runs": [{"at": START, "calls": [{"to": "0x"}]}]}, "malformed_call",
         "runs[0].calls[0].to"),
        ("propose", {"runs": []}, "malformed_permission", "expected at least one"),
        ("propose", {"decimals": {TOKEN: 78}}, "malformed_body", "<= 77"),
        ("propose", {"decimals": {"USDC": 6}}, "malformed_body", "decimals: expected"),
        ("propose", {"slack": {"time": 10_001}}, "malformed_body", "<= 10000"),
        ("propose", {"slack": {"calls": -1}}, "malformed_body", ">= 0"),
        ("propose", {"chain": "solana:1"}, "malformed_permission", "eip155"),
    ],
)  # fmt: skip
async def test_a_question_that_is_none_says_where(
    name: str, change: dict[str, Any], code: str, says: str
) -> None:
    """As on the command line, with the place."""
    body = QUESTIONS_ASKED[name][0] | change
    async with served() as client:
        answer = await client.post(f"/v1/permissions/{name}", json=body)
    check_problem(answer, 400, code)
    assert says in answer.json()["detail"]


async def test_what_could_not_be_compared_is_not_well_formed() -> None:
    """Which sums listed amounts come to below a cap could be said only by trying."""
    amounts = [str(10**8 + 7**index) for index in range(9)]
    listed = {"argument": 1, "operator": "one of", "values": amounts}
    child = PERMISSION | {"rules": [PERMISSION["rules"][0] | {"where": [listed]}]}
    async with served() as client:
        answer = await client.post(
            "/v1/permissions/subset", json={"child": child, "parent": PERMISSION}
        )
    check_problem(answer, 400, "malformed_permission")
    assert "rules[0].where[0]: expected at most" in answer.json()["detail"]


async def test_an_answer_that_takes_too_long_is_refused_and_its_process_ended() -> None:
    """Whoever asks next is answered, by another process."""
    async with calculator(answer_s=3) as one:
        stuck = pid_of(one)
        os.kill(stuck, signal.SIGSTOP)
        with pytest.raises(Malformed, match=r"too_complex: .*answered in 3 s"):
            await one.ask("lint", ASK, caller="1.2.3.4")
        with pytest.raises(ProcessLookupError):
            os.kill(stuck, 0)
        with pytest.raises(Malformed, match="malformed_permission"):
            await one.ask("lint", ASK, caller="1.2.3.4")


async def test_when_many_wait_no_more_are_taken_and_those_are_answered() -> None:
    """Somebody who asks and asks keeps out others who ask, and nobody else."""
    async with calculator(waiting=2) as one:
        os.kill(pid_of(one), signal.SIGSTOP)
        waiting = [asyncio.create_task(one.ask("lint", ASK, caller="1.2.3.4")) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Limited, match="too_many_questions: expected at most 2"):
            await one.ask("lint", ASK, caller="1.2.3.4")
        os.kill(pid_of(one), signal.SIGCONT)
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Malformed] * 3


async def test_whoever_asks_something_else_does_not_wait_for_the_calculus() -> None:
    """The server answers while an answer is worked out, however long that takes."""
    body, before = {"permission": PERMISSION}, children()
    async with served() as client:
        assert (await client.post("/v1/permissions/lint", json=body)).status_code == 200
        (worker,) = children() - before
        os.kill(worker, signal.SIGSTOP)
        waiting = asyncio.create_task(client.post("/v1/permissions/lint", json=body))
        assert (await client.get("/v1/server")).status_code == 200
        assert not waiting.done()
        os.kill(worker, signal.SIGCONT)
        assert (await waiting).status_code == 200


async def test_a_process_that_ends_is_replaced() -> None:
    """Only the question that it was working on is lost, and that is an error on our side."""
    async with calculator() as one:
        os.kill(pid_of(one), signal.SIGSTOP)
        lost = asyncio.create_task(one.ask("lint", ASK, caller="1.2.3.4"))
        await asyncio.sleep(0)
        os.kill(pid_of(one), signal.SIGKILL)
        with pytest.raises(RuntimeError, match=r"lint: the process .* has ended"):
            await lost
        with pytest.raises(Malformed):
            await one.ask("lint", ASK, caller="1.2.3.4")


async def test_an_answer_that_nobody_waits_for_goes_to_nobody() -> None:
    """The next one to ask gets an answer of its own."""
    async with calculator() as one:
        os.kill(pid_of(one), signal.SIGSTOP)
        left = asyncio.create_task(one.ask("explain", ASK, caller="1.2.3.4"))
        await asyncio.sleep(0)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        assert one.pid is None


async def test_what_nobody_foresaw_is_an_error_on_our_side_and_ends_nothing() -> None:
    """The process goes on, and its reason is for the log."""
    async with calculator() as one:
        before = one.pid
        with pytest.raises(RuntimeError, match="nothing: KeyError"):
            await one.ask("nothing", ASK, caller="1.2.3.4")
        assert one.pid == before


async def test_the_process_ends_with_the_server() -> None:
    """Nothing of a server outlives it."""
    before = children()
    async with running(await make_world(), settings=SETTINGS) as serving:
        async with httpx.AsyncClient(base_url=serving.url) as client:
            answer = await client.post("/v1/permissions/lint", json={"permission": PERMISSION})
            assert answer.status_code == 200
        (worker,) = children() - before
    assert worker not in children()


async def test_the_process_is_told_no_secret(tmp_path: Path) -> None:
    """The key-encryption key may be in the server's environment, under whatever name."""
    with surroundings(folder=tmp_path, VALETKEY_KEY="a secret", MY_OWN_NAME="another secret"):
        async with calculator() as one:
            told = await asyncio.to_thread(Path(f"/proc/{pid_of(one)}/environ").read_bytes)
    assert b"PATH=" in told
    assert b"secret" not in told


def children() -> set[int]:
    """Return the processes that this one has started."""
    task = f"/proc/self/task/{os.getpid()}/children"
    with open(task, encoding="ascii") as listed:  # noqa: PTH123 - not a file of ours
        return {int(pid) for pid in listed.read().split()}


def test_the_process_ends_with_its_input() -> None:
    """However the server ends, its pipe closes."""
    asked = [{"name": "worst-case", "body": {"permission": PERMISSION}}]
    lines = [{SHOP[2:]: "Shop"}, *asked]
    answers = io.BytesIO()
    work(io.BytesIO(b"".join(json.dumps(line).encode() + b"\n" for line in lines)), answers)
    (answer,) = answers.getvalue().splitlines()
    assert json.loads(answer)["answer"]["bounds"][0]["amount"] == "20000000"
