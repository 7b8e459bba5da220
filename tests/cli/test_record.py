"""An owner's script is run against a real chain, and what it did becomes a permission."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.cli.program import process, valetkey
from tests.cli.recorder import SCRIPTS, STRANGER, Recorder, execute, transfer
from tests.leaks import secret
from valetkey.cli.record.proxy import MAX_BODY_BYTES, proxying
from valetkey.devchain import Deployment, DevKey, Engine, Node, create, fund, mint
from valetkey.spec.secp256k1 import address_of_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest_plugins = ("tests.chains",)

SHOP = "0x" + "11" * 20
OTHER = "0x" + "22" * 20
JSON = {"content-type": "application/json"}
NOTHING_THERE = "http://127.0.0.1:9/"
ACCEPTS_ALL = bytes.fromhex("600060005360016000f3")  # makes a contract whose code is STOP


@pytest.fixture
def recorder(
    node: Node, deployment: Deployment, new_key: Callable[[], DevKey], tmp_path: Path
) -> Recorder:
    """Return what records on each local chain in turn."""
    owner = new_key()
    secret(owner.secret)
    mint(node.rpc, deployment, owner.address, 10**9)
    fund(node.rpc, deployment, address_of_key(STRANGER), 10**18)
    return Recorder(node, deployment, owner, tmp_path)


def test_a_script_becomes_the_permission_that_it_needs(recorder: Recorder) -> None:
    """The recording is one that the calculus reads: all of it is allowed, and nothing is unused."""
    token = recorder.token
    told = recorder.record(
        "say:on standard output, which is ours",
        f"call:{token}:{transfer(SHOP, 5_000_000)}",
        f"call:{token}:{transfer(OTHER, 7_500_000)}",
        f"call:{SHOP}:0x:1000",
        options=("--name", f"{token}=USDC"),
    )
    assert (told["runs"], told["left_out"]) == (3, [])
    permission = told["permission"]
    assert permission["chain"] == "eip155:31337"
    assert permission["recipients"] == [SHOP, OTHER]
    assert [rule["target"] for rule in permission["rules"]] == [token, SHOP]
    lifetimes = {cap["asset"]: (cap["decimals"], cap["lifetime"]) for cap in permission["caps"]}
    assert lifetimes == {token: (6, "12500000"), "native": (18, "1000")}
    assert told["explained"]["worst_case"]["text"].endswith("12.5 USDC")
    assert "no-fee-budget" in [one["rule"] for one in told["findings"]]
    file = recorder.folder / "permission.json"
    proposed = valetkey("permission", "propose", recorder.out, "--chain", "eip155:31337")
    file.write_text(proposed.out)
    tried = valetkey("permission", "backtest", file, recorder.out, "--json")
    assert (tried.document["accepted"], tried.document["unused_rules"]) == (3, [])


def test_the_saved_permission_opens_sessions_for_a_time_of_their_own(recorder: Recorder) -> None:
    """It has no times, and slack where it was asked for."""
    saved = recorder.folder / "permission.json"
    step = f"call:{recorder.token}:{transfer(SHOP, 100)}"
    recorder.record(step, step, options=("--slack", "50", "--save", saved))
    document = json.loads(saved.read_text())
    assert not {"starts_at", "expires_at", "window", "rate"} & document.keys()
    assert (document["max_calls"], document["caps"][0]["lifetime"]) == (3, "300")
    assert valetkey("permission", "lint", saved, "--ttl", "1h").code == 0


def test_a_person_reads_what_was_recorded_and_what_it_means(recorder: Recorder) -> None:
    """What the script says stays; then the permission in words, its findings, and itself."""
    script = (sys.executable, SCRIPTS / "owner.py", "say:paying", f"call:{SHOP}:0x:5")
    told = recorder.run("--", *script)
    assert told.code == 0, told.err
    said = told.out.splitlines()
    assert "paying" in said
    assert f"{recorder.out} has the recording: 1 call in 1 transaction." in said
    assert f"may pay {SHOP} to 1 address · 0.000000000000000005 native at most" in told.out
    assert "worst case  0.000000000000000005 native" in told.out
    assert json.loads(told.out[told.out.index("{") :])["max_calls"] == 1


def test_what_no_session_could_do_is_left_out_with_the_reason(recorder: Recorder) -> None:
    """Failed, other people's, contracts made, code set: none of it is in the permission."""
    told = recorder.record(
        f"call:{recorder.token}:{transfer(SHOP, 10**12)}",
        f"create:0x{ACCEPTS_ALL.hex()}",
        f"delegate:0x{recorder.deployment.implementation.hex()}",
        f"call:{SHOP}:0x:3",
        f"as:0x{STRANGER.hex()}",
        f"call:{OTHER}:0x:4",
    )
    assert told["runs"] == 1
    reasons = [one.partition(": ")[2] for one in told["left_out"]]
    assert reasons == [
        "it was mined and failed",
        "it creates a contract, which no session can",
        "it calls the account itself, which no session can",
    ]
    assert [rule["target"] for rule in told["permission"]["rules"]] == [SHOP]


def test_a_batch_that_our_account_makes_is_what_is_in_it(recorder: Recorder) -> None:
    """Many calls of the owner in one transaction (ERC-7821), as if each had been one of its own."""
    inside = [(recorder.token, 0, transfer(SHOP, 5)), (SHOP, 9, "0x")]
    told = recorder.record(
        f"delegate:0x{recorder.deployment.implementation.hex()}",
        f"call:{recorder.account}:{execute('01', *inside)}",
    )
    assert told["runs"] == 1
    assert [rule["target"] for rule in told["permission"]["rules"]] == [recorder.token, SHOP]
    assert told["permission"]["max_calls"] == 2


@pytest.mark.parametrize(
    ("mode", "more"), [("01", ()), ("0100deadbeef78210001", ("c0de",))], ids=["plain", "data"]
)
def test_a_batch_of_the_account_to_itself_is_what_is_in_it(
    recorder: Recorder, mode: str, more: tuple[str, ...]
) -> None:
    """ERC-7821: made together, so recorded together; what goes to itself again is left out."""
    code = create(recorder.node.rpc, recorder.owner, ACCEPTS_ALL)
    inside = [(recorder.token, 0, transfer(SHOP, 5)), (SHOP, 9, "0x")]
    again = ("0x" + "00" * 20, 0, "0x12345678")
    told = recorder.record(
        f"delegate:0x{code.hex()}",
        f"call:{recorder.account}:{execute(mode, *inside, again, more=more)}",
    )
    (run,) = json.loads(recorder.out.read_text())["runs"]
    assert [(call["to"], call["value_wei"], call["data"]) for call in run["calls"]] == [
        (to, str(value), data) for to, value, data in inside
    ]
    assert len(told["left_out"]) == 2


def test_what_is_no_batch_is_a_call_of_the_account_to_itself(recorder: Recorder) -> None:
    """It is not guessed at: no session may call its own account."""
    code = create(recorder.node.rpc, recorder.owner, ACCEPTS_ALL)
    another_form = execute("0100000000007821ffff", (SHOP, 0, "0x"))
    may_fail = execute("0101", (SHOP, 0, "0x"))
    others = (another_form, may_fail, "0xe9ae5c5301", "0x12345678")
    told = recorder.record(
        f"delegate:0x{code.hex()}",
        *(f"call:{recorder.account}:{data}" for data in others),
        f"call:{SHOP}:0x:5",
    )
    assert (told["runs"], len(told["left_out"])) == (1, 1 + len(others))


def test_a_batch_to_an_account_without_code_did_nothing(recorder: Recorder) -> None:
    """The chain takes it, and no call was made: it is not recorded as if it had been."""
    data = execute("01", (SHOP, 0, "0x"))
    refused = recorder.record(f"call:{recorder.account}:{data}", code=1)["error"]
    assert "it calls the account itself" in refused["detail"]


def test_a_script_that_fails_leaves_nothing_behind(recorder: Recorder) -> None:
    """Half a job is no measure for a permission."""
    refused = recorder.record(f"call:{SHOP}:0x:5", "end:3", code=1)["error"]
    assert (refused["code"], "got 3" in refused["detail"]) == ("script_failed", True)
    assert not recorder.out.exists()


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ((), "got none at all; does the script use the URL in RPC?"),
        ((f"as:0x{STRANGER.hex()}", f"call:{SHOP}:0x:1"), "got one of 0x"),
        ((f"call:{SHOP}:0x:{10**19}",), "nsufficient"),
    ],
    ids=["silent", "other", "poor"],
)
def test_a_script_that_does_nothing_as_the_account_is_told_apart(
    recorder: Recorder, steps: tuple[str, ...], says: str
) -> None:
    """Which key it used instead, or that it never came by."""
    ended = recorder.run("--json", "--", sys.executable, SCRIPTS / "owner.py", *steps)
    assert ended.code == 1
    assert says in ended.out + ended.err
    assert not recorder.out.exists()


def test_another_chain_is_refused_before_anything_runs(recorder: Recorder) -> None:
    """An owner's script moves money: it is not run where it was not meant to be."""
    mark = recorder.folder / "ran"
    command = (sys.executable, "-c", f"open({str(mark)!r}, 'w')")
    refused = recorder.run("--chain", "eip155:1", "--json", "--", *command)
    assert (refused.code, refused.error) == (1, "wrong_chain")
    assert "expected a node of eip155:1, got one of eip155:31337" in refused.err
    assert not mark.exists()


def test_options_behind_the_script_are_the_scripts(recorder: Recorder) -> None:
    """With or without --; before it, an option that nobody knows is a typing error."""
    script = (sys.executable, "-c", "import sys; sys.exit(sys.argv[1:] != ['--json', '--out'])")
    for command in (("--", *script), script):
        ended = recorder.run("--json", *command, "--json", "--out")
        assert (ended.code, ended.error) == (1, "nothing_recorded")
    typed = recorder.run("--slak", "5", "--", *script)
    assert (typed.code, "--slak" in typed.err) == (2, True)


def test_a_file_that_is_there_is_not_written_over(recorder: Recorder) -> None:
    """Neither the recording nor the permission, and nothing runs."""
    recorder.out.write_text("kept")
    refused = recorder.run("--", "false")
    assert (refused.code, "is there already" in refused.err) == (2, True)
    assert recorder.out.read_text() == "kept"


def test_a_program_or_a_node_that_is_not_there_is_told(recorder: Recorder) -> None:
    """Before there is anything to keep."""
    nobody = recorder.run("--json", "--", recorder.folder / "nobody")
    assert (nobody.code, nobody.error) == (1, "script_failed")
    away = ("--account", recorder.account, "--out", recorder.out, "--json", "--", "true")
    silent = valetkey("record", *away, env={"RPC": NOTHING_THERE})
    assert (silent.code, silent.error) == (3, "chain_unreachable")


def test_questions_may_go_out_together(anvil_node: Node, tmp_path: Path) -> None:
    """A library that batches is recorded like one that does not."""
    (account, *_) = anvil_node.rpc.ask("eth_accounts")
    sent = [
        {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        for number, method, params in (
            (1, "eth_sendTransaction", [{"from": account, "to": SHOP, "value": "0x7"}]),
            (2, "eth_chainId", []),
            (3, "eth_sendTransaction", [{"from": account, "to": "no address"}]),
        )
    ]
    ask = f"import httpx, sys; httpx.post(sys.argv[1], json={sent!r}, trust_env=False)"
    ended = process(
        *("record", "--account", account, "--rpc", anvil_node.rpc_url, "--json"),
        *("--out", tmp_path / "out.json", "--", sys.executable, "-c", ask, "{rpc}"),
    )
    assert (ended.code, ended.document["runs"]) == (0, 1), ended.err


def test_a_script_of_another_language_is_recorded_as_well(anvil_node: Node, tmp_path: Path) -> None:
    """With a key that the node has: the transaction is read back from the chain."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    (account, *_) = anvil_node.rpc.ask("eth_accounts")
    out = tmp_path / "recording.json"
    ended = process(
        *("record", "--account", account, "--rpc", anvil_node.rpc_url, "--out", out, "--json"),
        *("--", "node", SCRIPTS / "owner.mjs", "{rpc}", account, SHOP, 12),
    )
    assert ended.code == 0, ended.err
    assert ended.document["permission"]["caps"][0]["lifetime"] == "12"
    assert anvil_node.engine is Engine.ANVIL


def test_the_proxy_is_the_scripts_alone() -> None:
    """A page in a browser, or somebody who does not know the path, gets nothing through."""
    question = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    with proxying(NOTHING_THERE) as (url, proxy), httpx.Client(trust_env=False) as client:
        other = url.rpartition("/")[0] + "/other"
        assert client.post(other, json=question).status_code == 404
        assert client.post(url, content=b"{}").status_code == 415
        assert client.get(url).status_code == 501
        long = b"x" * (MAX_BODY_BYTES + 1)
        assert client.post(url, headers=JSON, content=long).status_code == 413
        lost = client.post(url, json=question).json()
        assert (lost["id"], lost["error"]["code"]) == (1, -32603)
        assert client.post(url, content=b"?", headers=JSON).json()["error"]
        assert proxy.sent == ()


def test_a_question_that_is_none_goes_to_the_node_all_the_same() -> None:
    """What a script asks is the node's to refuse, however odd: the proxy only listens."""
    odd = {"jsonrpc": "2.0", "id": [1], "method": ["eth_sendRawTransaction"], "params": {}}
    with (
        proxying(NOTHING_THERE) as (node, _),
        proxying(node) as (url, proxy),
        httpx.Client(trust_env=False) as client,
    ):
        assert client.post(url, json=[odd, 1, odd]).json()["error"]["code"] == -32603
        assert proxy.sent == ()
