"""Split wallets from the command line, through a real server with a signer of its own."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from tests.cli.conftest import Live, lived_in
from tests.cli.program import Ended, valetkey
from valetkey.core.errors import Code
from valetkey.core.wallet import Curve, PublicKey, address_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Return a server of these tests alone."""
    with lived_in(tmp_path_factory.mktemp("split")) as found:
        yield found


def ask(live: Live, verb: str, *arguments: object) -> Ended:
    """Return how a command about split wallets ended."""
    return valetkey("split", verb, *arguments, "--json", env=live.env)


def make(live: Live, folder: Path) -> tuple[str, bytes, Path]:
    """Return a new wallet, its address, and the file with the client's share."""
    file = folder / "share"
    made = ask(live, "create", "--out", file)
    assert made.code == 0, made.err
    custody = made.document["custody"]
    key = PublicKey(Curve.SECP256K1, bytes.fromhex(custody["public_key"][2:]))
    return custody["wallet_id"], address_of(key), file


def signer_of(signature: str) -> bytes:
    """Return who has signed ``hello``."""
    found = Account.recover_message(encode_defunct(b"hello"), signature=signature)
    return bytes.fromhex(found[2:])


def test_a_wallet_is_made_and_signs(live: Live, tmp_path: Path) -> None:
    """The share goes to a file of its owner alone, and is nowhere else."""
    wallet_id, address, share = make(live, tmp_path)
    assert stat.S_IMODE(share.stat().st_mode) == 0o600
    signed = ask(live, "sign", wallet_id, "--share-file", share, "--message", "hello")
    assert signed.code == 0, signed.err
    assert signer_of(signed.document["signature"]) == address
    shown = ask(live, "show", wallet_id)
    assert shown.document["generation"] == 1
    assert share.read_text().strip() not in signed.out + shown.out


def test_shares_are_renewed_backed_up_and_recovered(live: Live, tmp_path: Path) -> None:
    """With a password on the recovery share; lost and old shares are worth nothing."""
    wallet_id, address, first = make(live, tmp_path)
    second, third, kept = (tmp_path / name for name in ("second", "third", "kept"))
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    locked = ("--password-file", password)
    backed_up = ask(live, "backup", wallet_id, "--share-file", first, "--out", kept, *locked)
    assert backed_up.code == 0, backed_up.err
    assert kept.read_text().startswith("vkp1.")
    renewed = ask(live, "refresh", wallet_id, "--share-file", first, "--out", second)
    assert renewed.document["generation"] == 2
    old = ask(live, "sign", wallet_id, "--share-file", first, "--message", "hello")
    assert (old.code, old.document["error"]["code"]) == (1, Code.SHARE_STALE)
    found = ask(live, "recover", wallet_id, "--recovery-file", kept, "--out", third, *locked)
    assert found.document["generation"] == 3
    signed = ask(live, "sign", wallet_id, "--share-file", third, "--message", "hello")
    assert signer_of(signed.document["signature"]) == address
    unlocked = ask(live, "recover", wallet_id, "--recovery-file", kept, "--out", tmp_path / "no")
    assert unlocked.code == 2
    assert not (tmp_path / "no").exists()


def test_a_key_is_taken_out(live: Live, tmp_path: Path) -> None:
    """When its owner allows it; then this server signs with it no more."""
    wallet_id, address, share = make(live, tmp_path)
    key = tmp_path / "key"
    before = ask(live, "eject", wallet_id, "--share-file", share, "--out", key)
    assert before.document["error"]["code"] == Code.EJECT_NOT_ENABLED
    assert not key.exists()
    assert ask(live, "enable-eject", wallet_id).code == 0
    assert ask(live, "eject", wallet_id, "--share-file", share, "--out", key).code == 0
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert bytes.fromhex(Account.from_key(key.read_text().strip()).address[2:]) == address
    after = ask(live, "sign", wallet_id, "--share-file", share, "--message", "hello")
    assert after.document["error"]["code"] == Code.WALLET_EJECTED


def test_a_share_is_written_over_nothing(live: Live, tmp_path: Path) -> None:
    """Asked for a file that is there, nothing is made: its share would be lost."""
    file = tmp_path / "there"
    file.write_text("something else")
    refused = ask(live, "create", "--out", file)
    assert refused.code == 2
    assert file.read_text() == "something else"


def test_a_share_that_was_cut_does_not_leave_this_machine(live: Live, tmp_path: Path) -> None:
    """The checksum is looked at before anybody is asked."""
    wallet_id, _, share = make(live, tmp_path)
    cut = tmp_path / "cut"
    cut.write_text(share.read_text()[:-9])
    refused = ask(live, "sign", wallet_id, "--share-file", cut, "--message", "hello")
    assert refused.document["error"]["code"] == Code.MALFORMED_SHARE
