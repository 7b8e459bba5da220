"""The server's keys are changed under load, and the commands killed: nothing is lost."""

from __future__ import annotations

import secrets
import signal
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx
import jwt

from tests.cli.program import process
from valetkey import Conflict, Malformed, Valetkey, permission
from valetkey.cli.local import RELAYER_WEI, Local, Server, local_server
from valetkey.client.keys import StampKey
from valetkey.devchain import fund, mint

if TYPE_CHECKING:
    from pathlib import Path

    from valetkey import Session

ROTATE: Final = ("keys", "rotate-relayer", "--home")
SHOP: Final = b"\x11" * 20
CRASHES: Final = ("store:before_commit:1", "store:before_commit:2", "store:after_commit:1")


@dataclass
class Work:
    """
    Opens sessions whose chain keys the server holds, and acts under them, until it is told to end.

    Args:
        errors: What went wrong: nothing may.
    """

    local: Local
    sessions: list[Session] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    _ends: threading.Event = field(default_factory=threading.Event)
    _opened: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __post_init__(self) -> None:
        """Make a wallet whose owner's key the server holds, and begin."""
        local = self.local
        self.vk = Valetkey(local.url, api_key=local.secret)
        added = self.vk.wallets.add(local.chain)
        self.account = added.account
        self.vk.accounts.delegate(self.account)
        address = bytes.fromhex(self.account.address[2:])
        mint(local.node.rpc, local.deployment, address, 10**12)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def until_more(self, count: int) -> None:
        """Wait for *count* more sessions."""
        for _ in range(count):
            assert self._opened.acquire(timeout=60), self.errors

    def act(self, session: Session) -> None:
        """Pay the shop."""
        activity = session.transfer(self.local.deployment.token, SHOP, "0.01")
        assert activity.state == "done", activity

    def open(self) -> Session:
        """Return a new session."""
        draft = permission.erc20_transfers(
            self.local.deployment.token, decimals=6, to=[SHOP], lifetime="1", expires_in=3600
        )
        while True:
            try:
                return self.vk.sessions.open(self.account, draft, key=StampKey.generate())
            except (Malformed, Conflict) as refused:
                if "relayer" not in refused.detail:  # another one since the SDK asked which it is
                    raise

    def end(self) -> None:
        """Let it finish; nothing has gone wrong."""
        self._ends.set()
        self._thread.join()
        assert not self.errors

    def _run(self) -> None:
        try:
            while not self._ends.is_set():
                session = self.open()
                self.sessions.append(session)
                self.act(session)
                self.act(self.sessions[0])
                self._opened.release()
        except BaseException as error:  # noqa: BLE001 - the test shows it
            self.errors.append(error)


def test_the_key_encryption_key_is_changed_while_sessions_are_opened_and_used(
    tmp_path: Path,
) -> None:
    """Killed three times, begun again, retired: old and new sessions act, also after a restart."""
    home = tmp_path / "home"
    with local_server(home) as local:
        work = Work(local)
        work.until_more(2)
        for crash in CRASHES:
            env = {"VALETKEY_CRASH_AT": crash}
            ended = process("keys", "rotate-encryption", "--home", home, env=env)
            assert ended.code == -signal.SIGKILL, ended
            if crash == CRASHES[0]:
                refused = process("keys", "retire-encryption", "--home", home)
                assert (refused.code, "under the old key" in refused.err) == (1, True)
        work.until_more(1)
        done = process("keys", "rotate-encryption", "--home", home, "--json")
        assert (done.code, done.document["broken"]) == (0, [])
        retired = process("keys", "retire-encryption", "--home", home, "--json")
        assert retired.code == 0, retired.err
        work.until_more(1)
        work.end()
        local.server.stop()
        server = Server(home, port=int(local.url.rpartition(":")[2]))  # with the new key alone
        try:
            for session in (work.sessions[0], work.sessions[-1]):
                work.act(session)
                assert session.revoke().session.state == "revoked"
            work.act(work.open())
        finally:
            server.stop()
            work.vk.close()


def test_tokens_verify_while_the_keys_that_sign_them_change(tmp_path: Path) -> None:
    """One from before a change and one from after it are both checked by what is published."""
    home = tmp_path / "home"
    with local_server(home) as local:
        work = Work(local)
        try:
            work.until_more(1)
            for _ in range(3):
                before = _token(work)
                assert process("keys", "rotate-token", "--home", home).code == 0
                keys = jwt.PyJWKClient(f"{local.url}/.well-known/jwks.json", cache_keys=False)
                for token in (before, _token(work)):
                    key = keys.get_signing_key_from_jwt(token)
                    claims = jwt.decode(token, key, algorithms=["ES256"], audience="shop")
                    assert claims["access"] == "read"
        finally:
            work.end()
            work.vk.close()


def test_the_relayer_is_changed_while_sessions_are_opened_and_used(tmp_path: Path) -> None:
    """Killed before and after it is made and put in use: old sessions and new ones are paid for."""
    home = tmp_path / "home"
    with local_server(home) as local:
        work = Work(local)
        try:
            work.until_more(1)
            for crash in ("store:before_commit:1", "store:after_commit:1"):
                ended = process(*ROTATE, home, env={"VALETKEY_CRASH_AT": crash})
                assert ended.code == -signal.SIGKILL, ended
            first = _keys(home)
            (new,) = (one for one, state in first.items() if state == "prepared")
            (old,) = (one for one, state in first.items() if state == "current")
            refused = process(*ROTATE, home)
            assert (refused.code, new in refused.err) == (1, True)
            fund(local.node.rpc, local.deployment, bytes.fromhex(new[2:]), RELAYER_WEI)
            for crash in ("store:before_commit:1", "store:after_commit:1"):
                ended = process(*ROTATE, home, env={"VALETKEY_CRASH_AT": crash})
                assert ended.code == -signal.SIGKILL, ended
            assert _keys(home) == {old: "former", new: "current"}
            work.until_more(3)
            assert work.vk.server().chains[0].relayer == new
            refused = process("keys", "retire-relayer", old, "--home", home)
            assert (refused.code, "bind it" in refused.err) == (1, True)
        finally:
            work.end()
        bound = [one.show().permission for one in work.sessions]
        assert {one.relayer for one in bound if one} == {old, new}
        for session in work.sessions:
            assert session.revoke().session.state == "revoked"
        retired = process("keys", "retire-relayer", old, "--home", home)
        assert retired.code == 0, retired.err
        swept = process("keys", "sweep-relayer", old, "--home", home, "--json").document
        assert int(swept["items"][0]["moved_wei"]) > RELAYER_WEI // 2
        work.act(work.open())
        work.vk.close()


def _keys(home: Path) -> dict[str, str]:
    """Return the state of each relayer, by its address."""
    listed = process("keys", "list", "--home", home, "--json").document
    return {one["id"]: one["state"] for one in listed["items"] if one["role"] == "relayer"}


def _token(work: Work) -> str:
    """Return a token that says which session its holder has."""
    head = {"authorization": f"Bearer {work.local.secret}", "idempotency-key": secrets.token_hex()}
    asked = {"proof": "bearer", "access": "read", "ttl_s": 600}
    with httpx.Client(base_url=work.local.url) as client:
        opened = client.post("/v1/sessions", headers=head, json=asked).raise_for_status().json()
        bearer = {"authorization": f"Bearer {opened['token']}"}
        issued = client.post("/v1/session/token", headers=bearer, json={"audience": "shop"})
    return str(issued.raise_for_status().json()["token"])
