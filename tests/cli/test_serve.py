"""The server as a process: it starts, says where it listens, and ends in order."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
from contextlib import closing, contextmanager
from typing import IO, TYPE_CHECKING

from tests.cli.program import TIMEOUT_S, command_of, process, valetkey
from tests.leaks import note_output, secret
from valetkey import Valetkey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def serving(home: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Give a server as a process, and its URL; it has ended in order when the block ends."""
    command = command_of("serve", "--home", home, "--port", "0", "--json", *options)
    child = subprocess.Popen(  # noqa: S603 - ourselves
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        yield child, _announced(child.stdout)
    finally:
        child.terminate()
        _, log = child.communicate(timeout=TIMEOUT_S)
        note_output("serve", log.decode())


def _announced(output: IO[bytes] | None) -> str:
    """Return the URL in the one document that a program is given."""
    text = b""
    while output is not None and not text.endswith(b"}\n"):
        line = output.readline()
        assert line, "the server ended before it said where it listens"
        text += line
    return str(json.loads(text)["url"])


def test_from_init_to_a_server_that_answers(tmp_path: Path) -> None:
    """Two commands, and the secret key of the first opens the second."""
    home = tmp_path / "home"
    made = valetkey("init", "--home", home, "--json").document
    secret(made["secret_key"].encode())
    with serving(home) as (child, url):
        env = {"VALETKEY_URL": url, "VALETKEY_API_KEY": made["secret_key"]}
        listed = valetkey("session", "list", "--json", env=env)
        assert (listed.code, listed.document) == (0, {"items": [], "next": None})
        assert valetkey("session", "list", env=env).out == "no sessions\n"
    assert child.returncode == 0


def test_heads_are_written_at_start_and_at_the_end_where_a_log_has_grown(home: Path) -> None:
    """What is kept outside the store covers everything that this run has written."""
    path = home / "audit-heads.jsonl"
    with serving(home):
        assert len(path.read_text().splitlines()) == 1
    assert len(path.read_text().splitlines()) == 1
    told = valetkey("audit", "verify", "--home", home, "--json").document
    assert told["organizations"][0]["head"]["seq"] == 2


def test_a_log_that_has_grown_gets_another_head_at_the_end(tmp_path: Path) -> None:
    """The last line that this run wrote is covered, so that cutting it off is found later."""
    home = tmp_path / "home"
    key = valetkey("init", "--home", home, "--json").document["secret_key"]
    secret(key.encode())
    with serving(home) as (_, url), Valetkey(url, api_key=key) as server:
        server.users.add("alice")
    heads = [
        json.loads(line)["seq"] for line in (home / "audit-heads.jsonl").read_text().splitlines()
    ]
    assert heads == [2, 3]
    with closing(sqlite3.connect(home / "store.db")) as store, store:
        store.execute("DELETE FROM audit_line WHERE id LIKE '%3'")
        store.execute("DELETE FROM audit_head")
    assert valetkey("audit", "verify", "--home", home).code == 1


def test_it_ends_with_its_input_when_asked_to(home: Path) -> None:
    """Whoever started it is gone: a child must not outlive its parent."""
    with serving(home, "--until-input-ends") as (child, _):
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(TIMEOUT_S) == 0
        child.stdin = None


def test_an_interrupt_is_an_orderly_end(home: Path) -> None:
    """Ctrl-C at the terminal."""
    with serving(home) as (child, _):
        child.send_signal(signal.SIGINT)
        assert child.wait(TIMEOUT_S) == 0


def test_an_address_that_is_taken_is_one_sentence(home: Path) -> None:
    """Exit code 1, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        failed = process("serve", "--home", home, "--port", taken.getsockname()[1])
    assert failed.code == 1
    assert failed.err.startswith("error: expected to listen on 127.0.0.1:")
    assert "Traceback" not in failed.err


def test_a_folder_without_a_server_is_one_sentence(tmp_path: Path) -> None:
    """It says what to do."""
    failed = process("serve", "--home", tmp_path, "--json")
    assert (failed.code, failed.error) == (1, "malformed_config")
    assert "valetkey init" in failed.err


def test_heads_that_cannot_be_written_are_told_before_serving(home: Path) -> None:
    """An operator who named a wrong path learns it at once, not from an auditor."""
    env = {"VALETKEY_HEADS_FILE": "no/such/folder/heads.jsonl"}
    failed = process("serve", "--home", home, "--port", 0, "--json", env=env)
    assert (failed.code, failed.error) == (1, "file_system")
    assert "heads.jsonl" in failed.err
