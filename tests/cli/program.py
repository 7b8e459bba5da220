"""The program as a person or a script runs it: what it says, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from tests.leaks import note_output
from valetkey.cli import main

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - any JSON value
        """The one document on standard output; anything else there is an error."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The code of the error that the document tells."""
        return str(self.document["error"]["code"])


def valetkey(*arguments: object, env: Mapping[str, str] | None = None, given: bytes = b"") -> Ended:
    """
    Run a command in this process.

    Args:
        env: Beside what there is; variables of ours that were there are not.
        given: Its standard input.
    """
    ours = dict.fromkeys(name for name in os.environ if name.startswith("VALETKEY_"))
    result = CliRunner().invoke(
        main,
        [str(one) for one in arguments],
        input=given,
        env={**ours, **(env or {})},
        prog_name="valetkey",
        catch_exceptions=False,
    )
    note_output("valetkey", result.stderr)
    return Ended(result.exit_code, result.stdout, result.stderr)


def command_of(*arguments: object) -> list[str]:
    """Return the command line that runs the program as a process of its own."""
    return [sys.executable, "-m", "valetkey", *(str(one) for one in arguments)]


def process(*arguments: object, env: Mapping[str, str] | None = None) -> Ended:
    """Run a command as a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VALETKEY_")}
    done = subprocess.run(  # noqa: S603 - ourselves
        command_of(*arguments),
        env={**kept, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    note_output("valetkey", done.stderr)
    return Ended(done.returncode, done.stdout, done.stderr)


def on_a_terminal(*arguments: object, env: Mapping[str, str]) -> str:
    """Return what a command writes to a terminal."""
    ours, theirs = pty.openpty()
    plain = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "TERM"}}
    with subprocess.Popen(  # noqa: S603 - ourselves
        command_of(*arguments),
        env={**plain, "TERM": "xterm-256color", **env},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        written = b""
        while part := _read(ours):
            written += part
    os.close(ours)
    return written.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux says it so when the other side is closed
        return b""
