"""An organization goes from one running server to another."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from tests.cli.program import process, valetkey
from valetkey import Forbidden, SessionKey, Valetkey, permission
from valetkey.cli.local import RELAYER_WEI, Server, config_text, local_server
from valetkey.devchain import fund, mint
from valetkey.wiring import init, wire

if TYPE_CHECKING:
    from pathlib import Path

    from valetkey.cli.local import Local

SHOP = b"\x11" * 20


async def second(home: Path, local: Local) -> None:
    """Make another server on the chain of *local*."""
    await init(home, config_text(local.deployment), os.environ)
    async with wire(home, os.environ) as wired:
        for payer in (wired.world.relayer_address, wired.world.stopper_address):
            fund(local.node.rpc, local.deployment, payer, RELAYER_WEI)


def test_sessions_and_keys_go_on_at_the_other_server(tmp_path: Path) -> None:
    """The same API key, session key and owner's key; here only looking is left."""
    here, there, file = tmp_path / "here", tmp_path / "there", tmp_path / "acme.zip"
    with local_server(here) as local:
        asyncio.run(second(there, local))
        token = local.deployment.token
        draft = permission.erc20_transfers(
            token, decimals=6, to=[SHOP], lifetime="5", expires_in=3600
        )
        with Valetkey(local.url, api_key=local.secret) as vk:
            account = vk.wallets.add(local.chain).account
            vk.accounts.delegate(account)
            mint(local.node.rpc, local.deployment, bytes.fromhex(account.address[2:]), 10**9)
            session_key = SessionKey.generate()
            session = vk.sessions.open(account, draft, key=session_key)
            assert session.transfer(token, SHOP, "1").state == "done"
            key = process("organization", "import-key", "--home", there, "--json").document
            told = process(
                *("organization", "export", local.organization_id, "--home", here),
                *("--for", key["import_key"], "-o", file, "--json"),
            )
            assert told.code == 0, told.err
            assert file.stat().st_mode & 0o777 == 0o600
            with pytest.raises(Forbidden) as refused:
                session.transfer(token, SHOP, "1")
            assert refused.value.code == "organization_moved"
            assert session.show().state == "open"
        signer = told.document["signed_by"]
        taken = process("organization", "import", file, "--from", signer, "--home", there, "--json")
        assert taken.code == 0, taken.err
        assert taken.document == {
            "organization_id": local.organization_id,
            "sessions_of_other_relayer": 0,
        }
        assert process("audit", "verify", "--home", there).code == 0
        server = Server(there)
        try:
            with Valetkey(server.url, api_key=local.secret) as vk:
                assert [one.id for one in vk.sessions.list()] == [session.id]
                moved = vk.sessions.attach(session.id, session_key)
                assert moved.transfer(token, SHOP, "1").state == "done"
                assert vk.sessions.open(account, draft).transfer(token, SHOP, "1").state == "done"
                assert vk.sessions.revoke(session.id).session.state == "revoked"
        finally:
            server.stop()


def test_what_cannot_be_done_changes_nothing(home: Path, tmp_path: Path) -> None:
    """No such organization, no key, a file that is there, an archive that is none."""
    org = "org_06hhgq2g00h5gj2ndbrq0fnt"
    key = valetkey("organization", "import-key", "--home", home, "--json").document["import_key"]
    again = valetkey("organization", "import-key", "--home", home).out
    assert again == f"{key}\n"
    assert (home / "import-key").stat().st_mode & 0o777 == 0o600
    file = tmp_path / "archive.zip"
    asked = ("organization", "export", org, "--home", home, "-o", file, "--for")
    assert valetkey(*asked, key, "--json").error == "not_found"
    assert not file.exists()
    assert valetkey(*asked, "0x11").code == 2
    file.write_bytes(b"no archive")
    assert valetkey(*asked, key).code == 2
    told = valetkey("organization", "import", file, "--from", key, "--home", home, "--json")
    assert (told.code, told.error) == (1, "malformed_archive")
    assert (home / "import-key").exists()
    assert valetkey("organization", "stay", org, "--home", home).code == 2
    told = valetkey("organization", "stay", org, "--not-imported", "--home", home, "--json")
    assert told.error == "not_found"


def test_it_stays_after_all(home: Path, tmp_path: Path) -> None:
    """By a word that is hard to say by mistake."""
    key = valetkey("organization", "import-key", "--home", home, "--json").document["import_key"]
    (org,) = (
        one["organization_id"]
        for one in valetkey("audit", "head", "--home", home, "--json").document["items"]
    )
    file = tmp_path / "archive.zip"
    done = valetkey("organization", "export", org, "--home", home, "-o", file, "--for", key)
    assert done.code == 0
    assert "acts here no more" in done.out
    back = valetkey("organization", "stay", org, "--not-imported", "--home", home)
    assert (back.code, "acts here again" in back.out) == (0, True)
