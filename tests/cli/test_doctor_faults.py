"""Faults of a server that runs, or could: each is made, found, and said with what to do."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.cli.program import valetkey
from tests.cli.test_doctor import chained, findings, problems
from tests.cli.test_serve import serving
from tests.cli.test_serve_end import configure
from valetkey.devchain import Node, launch, pick

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["chained"]

NOBODY = 65_534
# Once as root, so that everything is imported that nobody else may read; then as somebody else.
AS_NOBODY = f"""
import contextlib, io, os, sys
from valetkey.cli import main
command = ["doctor", "--home", sys.argv[1]]
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(command)
os.setgroups([])
os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
main(command)
"""


@contextmanager
def answering(body: bytes, *, forward_to: str = "", off_s: float = 0.0) -> Iterator[int]:
    """
    Give the port of something that speaks HTTP and is no valetkey.

    Args:
        forward_to: A node whose answers are passed on.
        off_s: How far its clock is ahead.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["content-length"]))
            said = httpx.post(
                forward_to, content=asked, headers={"content-type": "application/json"}
            )
            self.send_response(said.status_code)
            self.send_header("content-length", str(len(said.content)))
            self.end_headers()
            self.wfile.write(said.content)

        def date_time_string(self, timestamp: float | None = None) -> str:
            del timestamp
            return formatdate(time.time() + off_s, usegmt=True)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def the(home: Path, name: str, **variables: str) -> dict[str, Any]:
    """Return the one finding of that name."""
    found: dict[str, Any] = findings(home, **variables)[name]
    return found


@pytest.mark.parametrize("off_s", [-3600, 3600], ids=["late", "early"])
def test_a_clock_that_is_not_the_nodes_is_found(
    chained: Callable[..., Path], chain: Node, off_s: int
) -> None:
    """Both directions: a late clock takes what has expired, an early one ends it too soon."""
    with answering(b"", forward_to=chain.rpc_url, off_s=off_s) as port:
        home = chained(rpc_url=f"http://127.0.0.1:{port}")
        assert problems(home) == {"eip155:31337 clock"}
        finding = the(home, "eip155:31337 clock")
    assert re.search(r"is 3[56]\d\d s (behind|ahead of) its node's", finding["said"])
    assert ("behind" in finding["said"]) == (off_s > 0)
    assert "NTP" in finding["todo"]


def test_a_chain_whose_time_is_ahead_is_not_taken_for_a_wrong_clock(tmp_path: Path) -> None:
    """Node and machine agree: then it is the chain that is dated ahead."""
    with launch(pick()) as node:
        ahead = int(time.time()) + 7200
        node.rpc.ask("evm_setNextBlockTimestamp", ahead)
        node.rpc.ask("evm_mine")
        home = tmp_path / "home"
        valetkey(
            *("init", "--home", home, "--allow-private", "--chain", "eip155:31337"),
            *("--rpc", node.rpc_url, "--implementation", f"0x{'77' * 20}"),
        )
        finding = the(home, "eip155:31337 clock")
    assert not finding["ok"]
    assert re.search(
        r"7[12]\d\d s ahead of us, though our clock and its node's agree", finding["said"]
    )


@pytest.mark.parametrize("name", ["valetkey.toml", "store.db", "audit-heads.jsonl"])
def test_a_file_that_others_can_read_is_found_with_the_command_that_mends_it(
    home: Path, name: str
) -> None:
    """Whoever pastes the command has mended it."""
    (home / name).touch(mode=0o600)
    assert the(home, "files")["ok"]
    (home / name).chmod(0o644)
    finding = the(home, "files")
    assert f"{home / name} has mode 0644" in finding["said"]
    command = finding["todo"].removeprefix("run ")
    subprocess.run(["/bin/sh", "-c", command], check=True)  # noqa: S603 - what we told somebody to run
    assert the(home, "files")["ok"]


def test_a_folder_that_others_can_write_is_found(home: Path) -> None:
    """Whoever can replace the store needs not read it."""
    home.chmod(0o777)
    finding = the(home, "files")
    assert "mode 0777" in finding["said"]
    assert finding["todo"] == f"run chmod go-w {home}"


def test_a_disk_without_room_is_found(home: Path) -> None:
    """With less than the operator's bound, the server would say that it is not ready."""
    configure(home, min_free_mib=2**40)
    finding = the(home, "disk")
    assert not finding["ok"]
    assert f"at least {2**40} MiB" in finding["said"]


def test_an_older_store_is_left_as_it_is(home: Path) -> None:
    """Looking must not change what it looks at: a copy comes before a migration."""
    path = home / "store.db"
    with closing(sqlite3.connect(path)) as store:
        store.execute("PRAGMA user_version = 1")
    finding = the(home, "store")
    assert "schema 1, and this version reads" in finding["said"]
    assert "keep a copy" in finding["todo"]
    with closing(sqlite3.connect(path)) as store:
        assert store.execute("PRAGMA user_version").fetchone() == (1,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_folder_that_this_user_cannot_write_is_found(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The server was made by one user, and is run by another."""
    home = tmp_path_factory.mktemp("home") / "home"
    valetkey("init", "--home", home)
    for folder in (home, *home.parents):
        if folder.is_relative_to(tmp_path_factory.getbasetemp().parents[1]):
            folder.chmod(0o755)
    for file in home.iterdir():
        file.chmod(0o644)
    command = [sys.executable, "-c", AS_NOBODY, str(home)]
    ended = subprocess.run(  # noqa: S603 - ourselves
        command,
        env={**os.environ, "VALETKEY_PORT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    assert f"store.db cannot be written by user {NOBODY}" in ended.stdout
    assert f"give it to user {NOBODY}" in ended.stdout


def test_a_port_that_is_taken_is_found(home: Path) -> None:
    """By something silent, and by something that speaks HTTP but is no valetkey."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        number = str(silent.getsockname()[1])
        silent.listen(0)
        finding = the(home, "port", VALETKEY_PORT=number)
        assert not finding["ok"]
        assert f"127.0.0.1:{number}" in finding["said"]
    for body in (b"hello", b"{}", b'{"version": 1, "chains": [1]}', b"[]"):
        with answering(body) as port:
            finding = the(home, "port", VALETKEY_PORT=str(port))
            assert "set another port" in finding["todo"]


def test_a_host_that_is_not_this_machines_is_found(home: Path) -> None:
    """Listening there would fail at the start."""
    finding = the(home, "port", VALETKEY_HOST="203.0.113.7", VALETKEY_PORT="80")
    assert not finding["ok"]


def test_its_own_server_may_be_running(chained: Callable[..., Path], tmp_path: Path) -> None:
    """That is no fault; another server's is."""
    home = chained()
    with serving(home) as (_, url):
        number = url.rpartition(":")[2]
        assert the(home, "port", VALETKEY_PORT=number)["ok"]
        (tmp_path / "aside").mkdir()
        home.rename(tmp_path / "aside" / "home")
        other = chained()
        finding = the(other, "port", VALETKEY_PORT=number)
        assert "another store" in finding["said"]
        other.rename(tmp_path / "other")
        (tmp_path / "aside" / "home").rename(home)


def test_a_port_for_metrics_that_is_taken_is_found(home: Path) -> None:
    """Unless it is where the running server shows them."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        configure(home, metrics_port=taken.getsockname()[1])
        assert not the(home, "metrics port")["ok"]
    assert the(home, "metrics port")["ok"]
    with serving(home):
        assert "shows its metrics" in the(home, "metrics port")["said"]


def test_an_audit_log_that_was_cut_is_found(home: Path) -> None:
    """The heads file covers more than the store has; the line is named."""
    with serving(home):
        pass  # it writes the heads
    assert the(home, "audit")["ok"]
    with closing(sqlite3.connect(home / "store.db")) as store, store:
        store.execute("DELETE FROM audit_line WHERE id LIKE '%2'")
        store.execute("DELETE FROM audit_head")
    finding = the(home, "audit")
    assert not finding["ok"]
    assert "line 2" in finding["said"]
    assert "valetkey audit verify" in finding["todo"]


def test_a_line_of_the_audit_log_that_was_changed_is_found(home: Path) -> None:
    """Without any head, too."""
    with closing(sqlite3.connect(home / "store.db")) as store, store:
        store.execute("UPDATE audit_line SET body = replace(body, ':', ': ')")
        changed = store.execute(
            "UPDATE audit_line SET body = replace(body, 'organization: opened', 'user: added')"
        )
        assert changed.rowcount > 0
    assert not the(home, "audit")["ok"]


def test_a_heads_file_that_is_none_is_found(home: Path) -> None:
    """Its first bad line is named."""
    (home / "audit-heads.jsonl").touch(mode=0o600)
    (home / "audit-heads.jsonl").write_text("nonsense\n")
    assert "line 1" in the(home, "audit")["said"]


@pytest.mark.parametrize(("key", "value"), [("public_url", "keys.example"), ("traces_url", "x")])
def test_a_value_that_reading_alone_does_not_refuse_is_found(
    home: Path, key: str, value: str
) -> None:
    """What `serve` would fail on, `doctor` says."""
    configure(home, **{key: value})
    finding = the(home, "configuration")
    assert not finding["ok"]
    assert key in finding["said"]
