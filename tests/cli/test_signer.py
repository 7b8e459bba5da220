"""A signer that somebody else started, as another user would: the server only knows its socket."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.adapters.signer.orders import Bench
from tests.cli.program import command_of, valetkey
from valetkey.adapters.signer.asked import SocketSigner
from valetkey.adapters.surroundings import SystemEntropy
from valetkey.adapters.vault.key_encryption_key import make_key_file
from valetkey.adapters.vault.key_ring import FileRing
from valetkey.adapters.vault.sealed import SealedVault
from valetkey.config import Config
from valetkey.core.errors import Code, Unavailable
from valetkey.core.wallet import Curve
from valetkey.wiring.signing import open_signer

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = b"\x05" * 32


async def test_a_server_uses_the_signer_of_its_configuration(tmp_path: Path) -> None:
    """It starts none of its own, and leaves that one running when it ends."""
    entropy, file = SystemEntropy(), tmp_path / "kek"
    make_key_file(file, entropy)
    vault = SealedVault(FileRing(file), entropy)
    approver = await vault.create(
        Curve.ED25519, key_id="approver", organization_id="server", wallet_id="approver"
    )
    named = ("--socket", tmp_path / "s", "--key-file", file)
    public = f"0x{approver.public_key.data.hex()}"
    command = command_of("signer", *named, "--approver", public)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:  # noqa: ASYNC220, S603 - ourselves
        assert started.stdout is not None
        assert "the signer listens" in started.stdout.readline()
        config = Config(chains={}, signer_socket="s")
        signer = open_signer(tmp_path, config, os.environ, approver.public_key)
        assert isinstance(signer, SocketSigner)
        at = Bench(signer, vault, approver)
        key = await at.make()
        assert len(await at.sign(key, DIGEST)) == 65
        await signer.close()
        await signer.check()
        started.send_signal(signal.SIGTERM)
        assert started.wait(60) == 0
        with pytest.raises(Unavailable) as gone:
            await signer.check()
        assert gone.value.code is Code.SIGNER_UNAVAILABLE


def test_what_it_is_started_with_is_checked(tmp_path: Path) -> None:
    """A key that is none, a file that others can read: said, and nothing listens."""
    file = tmp_path / "kek"
    make_key_file(file, SystemEntropy())
    socket = tmp_path / "s"
    no_key = valetkey("signer", "--socket", socket, "--key-file", file, "--approver", "0x12")
    assert no_key.code == 1
    assert Code.MALFORMED_BODY in no_key.err
    file.chmod(0o644)
    good = "0x" + "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    shown = valetkey("signer", "--socket", socket, "--key-file", file, "--approver", good)
    assert shown.code == 1
    assert "chmod 600" in shown.err
    assert not socket.exists()
