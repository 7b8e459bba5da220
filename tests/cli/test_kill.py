"""The owner's revocation reaches the chain with no server at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.program import Ended, process, valetkey
from tests.leaks import secret
from valetkey.cli.note import read_note
from valetkey.cli.payer import read_payer
from valetkey.cli.submit import Patience, submit
from valetkey.devchain import DevKey, Engine, choose, delegate, deploy, dev_keys, launch
from valetkey.spec import permission_bytes as packed
from valetkey.spec.eip712 import digest
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import address_of_key, sign_digest
from valetkey.wiring import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from valetkey.devchain import Node

CHAIN_ID = 31337


@dataclass(frozen=True, slots=True)
class Case:
    """A note of one account over one grant, and who pays."""

    node: Node
    account: DevKey
    folder: Path
    grant_id: bytes
    payer: DevKey

    @property
    def note(self) -> dict[str, Any]:
        """What the server gives the owner."""
        typed = packed.revoke_typed_data(
            self.grant_id, chain_id=CHAIN_ID, account=self.account.address
        )
        signature = sign_digest(digest(typed), self.account.secret)
        calldata = packed.revoke_signed_calldata(self.grant_id, signature)
        return {
            "version": 1,
            "session_id": "ses_000000000000000000000000",
            "chain": f"eip155:{CHAIN_ID}",
            "chain_id": CHAIN_ID,
            "account": f"0x{self.account.address.hex()}",
            "grant_id": f"0x{self.grant_id.hex()}",
            "calldata": f"0x{calldata.hex()}",
            "text": "This ends the session.",
        }

    def command(self, note: object, *options: str, rpc: str = "") -> list[str]:
        """Return the arguments that submit *note*, paid by the payer."""
        path, key = self.folder / "note.json", self.folder / "payer.key"
        path.write_text(json.dumps(note))
        key.write_text(f"0x{self.payer.secret.hex()}\n")
        paid = ("--rpc", rpc or self.node.rpc_url, "--payer-key-file", str(key))
        return ["kill", str(path), *paid, *options]

    def kill(self, note: object, *options: str, rpc: str = "") -> Ended:
        """Return how it ended."""
        return valetkey(*self.command(note, *options, rpc=rpc))

    @property
    def status(self) -> packed.Status:
        """What the account says of the grant."""
        slot = f"0x{packed.state_slot(self.grant_id).hex()}"
        address = f"0x{self.account.address.hex()}"
        word = self.node.rpc.ask("eth_getStorageAt", address, slot, "latest")
        return packed.decode_slot_state(bytes.fromhex(word[2:])).status


@pytest.fixture
def case(chain: Node, account: DevKey, tmp_path: Path, request: pytest.FixtureRequest) -> Case:
    """Return a note that nobody has submitted yet."""
    grant_id = keccak256(f"grant {request.node.nodeid}".encode())
    payer = dev_keys()[5]
    secret(payer.secret)
    return Case(chain, account, tmp_path, grant_id, payer)


def test_a_note_revokes_and_the_accounts_storage_proves_it(case: Case) -> None:
    """Sent, mined, read back; the payer's key is not shown."""
    killed = process(*case.command(case.note, "--json"))
    assert killed.code == 0
    assert killed.err == ""
    assert killed.document["status"] == "revoked"
    assert killed.document["grant_id"] == case.note["grant_id"]
    assert killed.document["payer"] == f"0x{case.payer.address.hex()}"
    assert killed.document["gas_used"] > 21_000
    assert case.payer.secret.hex() not in killed.out
    assert case.status is packed.Status.REVOKED


def test_what_is_revoked_already_is_a_success_that_costs_nothing(case: Case) -> None:
    """Whoever was first, the grant is dead; nobody has to pay to learn it."""
    assert case.kill(case.note).code == 0
    path = case.folder / "note.json"
    again = valetkey("kill", path, "--rpc", case.node.rpc_url, "--json")
    assert again.code == 0
    assert again.document["status"] == "already_revoked"
    assert again.document["tx_hash"] is None


def test_a_person_is_told_each_step(case: Case) -> None:
    """What the note says, that it was sent, and what the chain says afterwards."""
    told = case.kill(case.note)
    assert "Its signature is the owner's." in told.out
    assert "the account's storage says so" in told.out
    assert told.err.startswith("sent 0x")


def test_the_key_can_be_in_the_environment_and_the_note_on_standard_input(case: Case) -> None:
    """For a machine that keeps neither in a file."""
    killed = valetkey(
        *("kill", "-", "--rpc", case.node.rpc_url, "--json"),
        env={"VALETKEY_KEY": case.payer.secret.hex()},
        given=json.dumps(case.note).encode(),
    )
    assert killed.document["status"] == "revoked"


def swapped(text: str, old: str) -> str:
    """Return *text* with another value of the same length in the place of *old*."""
    return text.replace(old, "77" * (len(old) // 2))


def test_a_note_that_does_not_do_what_it_says_is_not_sent(case: Case) -> None:
    """Another grant or account, other calldata, another signature: one sentence, nothing sent."""
    note = case.note
    grant, calldata = note["grant_id"][2:], note["calldata"]
    spoilt: list[dict[str, object]] = [
        {"grant_id": f"0x{'77' * 32}"},
        {"grant_id": f"0x{'77' * 32}", "calldata": swapped(calldata, grant)},
        {"account": f"0x{'77' * 20}"},
        {"calldata": f"{calldata}00"},
        {"calldata": f"0x{'11' * 4}{calldata[10:]}"},
        {"calldata": calldata[:40]},
        {"calldata": "0x"},
        {"calldata": "nonsense"},
        {"chain": "eip155:1"},
        {"chain": "eip155:1", "chain_id": 1},
        {"version": 2},
    ]
    for change in spoilt:
        refused = case.kill(note | change, "--json")
        assert (refused.code, refused.error) == (1, "malformed_body"), change
    assert case.status is packed.Status.NONE


@pytest.mark.parametrize("given", [b"", b"{}", b"[]", b"\xff", b"[" * 5000, b" " * 70_000])
def test_what_is_no_note_is_refused(given: bytes) -> None:
    """Whatever the bytes are, before any node is asked."""
    refused = valetkey("kill", "-", "--rpc", "http://127.0.0.1:1", "--json", given=given)
    assert (refused.code, refused.error) == (1, "malformed_body")


def test_a_node_of_another_chain_is_refused(case: Case) -> None:
    """The signature holds on one chain alone; on another nothing would happen, for money."""
    typed = packed.revoke_typed_data(case.grant_id, chain_id=1, account=case.account.address)
    signature = sign_digest(digest(typed), case.account.secret)
    calldata = packed.revoke_signed_calldata(case.grant_id, signature)
    other = {"chain": "eip155:1", "chain_id": 1, "calldata": f"0x{calldata.hex()}"}
    refused = case.kill(case.note | other, "--json")
    assert (refused.code, refused.error) == (1, "wrong_chain")


def test_an_account_without_our_code_is_told_apart(case: Case) -> None:
    """A transaction to it would succeed and change nothing."""
    bare = secret(keccak256(b"an account that never delegated"))
    from_bare = Case(case.node, dev_key(bare), case.folder, case.grant_id, case.payer)
    refused = from_bare.kill(from_bare.note, "--json")
    assert (refused.code, refused.error) == (1, "not_delegated")


def dev_key(raw: bytes) -> DevKey:
    """Return *raw* as a key with its address."""
    return DevKey(raw, address_of_key(raw))


def test_a_payer_who_cannot_pay_is_told_how_much_it_takes(case: Case) -> None:
    """Before anything is sent."""
    poor = dev_key(secret(keccak256(b"a payer without anything")))
    unpaid = Case(case.node, case.account, case.folder, case.grant_id, poor)
    refused = unpaid.kill(unpaid.note, "--json")
    assert (refused.code, refused.error) == (1, "chain_rejected")
    assert "got 0" in refused.err


@pytest.mark.parametrize("key", ["", "0x12", "zz" * 32, "00" * 32, "ff" * 32, "ab" * 33])
def test_a_payers_key_that_is_none_is_refused_and_not_repeated(case: Case, key: str) -> None:
    """A mistyped key is still a secret."""
    (case.folder / "note.json").write_text(json.dumps(case.note))
    arguments = ("kill", case.folder / "note.json", "--rpc", case.node.rpc_url)
    refused = valetkey(*arguments, "--json", env={"VALETKEY_KEY": key})
    assert (refused.code, refused.error) == (1, "malformed_request")
    assert not key or key not in refused.err + refused.out


def test_without_a_payer_it_says_what_to_give(case: Case) -> None:
    """Exit code 2: it was used wrongly."""
    (case.folder / "note.json").write_text(json.dumps(case.note))
    unpaid = valetkey("kill", case.folder / "note.json", "--rpc", case.node.rpc_url)
    assert unpaid.code == 2
    assert "VALETKEY_KEY" in unpaid.err


@pytest.mark.parametrize("rpc", ["http://127.0.0.1:1", "nonsense", "ftp://127.0.0.1"])
def test_a_node_that_does_not_answer_is_exit_code_3(case: Case, rpc: str) -> None:
    """A script can try another node."""
    failed = case.kill(case.note, "--json", rpc=rpc)
    assert (failed.code, failed.error) == (3, "chain_unreachable")


@pytest.fixture
def still_chain() -> Iterator[Node]:
    """Return a chain that makes a block only when it is told to."""
    choice = choose(Engine.ANVIL)
    if choice is None:
        pytest.skip("anvil is not installed, and nothing else stands still")
    with launch(choice) as node:
        yield node


async def test_a_note_that_is_not_mined_is_offered_more_under_the_same_nonce(
    still_chain: Node, tmp_path: Path
) -> None:
    """One of the two is mined, never both, and its hash is the one that is told."""
    node, account = still_chain, dev_keys()[6]
    deployment = deploy(node.rpc)
    delegate(node.rpc, deployment.deployer, account, deployment.implementation)
    node.rpc.ask("evm_setAutomine", bool(0))
    case = Case(node, account, tmp_path, keccak256(b"slow"), dev_keys()[5])
    told: list[str] = []

    def hear(text: str) -> None:
        told.append(text)
        if "offers more" in text:
            node.rpc.ask("evm_mine")

    note = read_note(json.dumps(case.note).encode())
    payer = read_payer(None, case.payer.secret.hex())
    assert payer is not None
    async with connect(node.rpc_url, chain_id=CHAIN_ID) as chain:
        patience = Patience(wait_s=20, reprice_s=0.2)
        receipt = await submit(chain, note, payer, patience=patience, tell=hear)
    assert len(told) == 2
    assert receipt.tx_hash.hex() in told[1]
    assert case.status is packed.Status.REVOKED


def test_a_note_that_is_not_mined_in_time_is_exit_code_3_and_can_be_sent_again(
    still_chain: Node, tmp_path: Path
) -> None:
    """The second try is for the same nonce: one of the two is mined, never both."""
    node, account = still_chain, dev_keys()[6]
    deployment = deploy(node.rpc)
    delegate(node.rpc, deployment.deployer, account, deployment.implementation)
    node.rpc.ask("evm_setAutomine", bool(0))
    case = Case(node, account, tmp_path, keccak256(b"stuck"), dev_keys()[5])
    for _ in range(2):
        stuck = case.kill(case.note, "--wait", "1s", "--json")
        assert (stuck.code, stuck.error) == (3, "chain_unreachable")
        assert "send the note again" in stuck.err
    node.rpc.ask("evm_mine")
    assert case.kill(case.note, "--json").document["status"] == "already_revoked"
