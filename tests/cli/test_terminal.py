"""What is said to a person, to a program, and to nobody."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.cli.program import on_a_terminal, process, valetkey
from valetkey import __version__
from valetkey.cli.terminal import Terminal, Verb
from valetkey.core.errors import Code, Limited, Unavailable

PERMISSION = {
    "chain": "eip155:1",
    "starts_at": 1,
    "expires_at": 61,
    "recipients": "anything",
    "rules": [],
}


def test_colours_are_for_terminals_that_want_them(tmp_path: Path) -> None:
    """Bold and colour on a terminal; none in a pipe."""
    file = tmp_path / "permission.json"
    file.write_text(json.dumps(PERMISSION))
    assert "\x1b[1m" in on_a_terminal("permission", "explain", file, env={})
    assert "\x1b" not in process("permission", "explain", file).out


def test_no_color_is_respected(home: Path) -> None:
    """The table keeps its words and loses its colours."""
    coloured = on_a_terminal("doctor", "--home", home, env={})
    plain = on_a_terminal("doctor", "--home", home, env={"NO_COLOR": "1"})
    assert "\x1b[32m" in coloured
    assert "\x1b[32m" not in plain
    assert "\x1b[31m" not in plain
    assert "problem" in plain


def test_what_a_stranger_wrote_cannot_steer_the_terminal() -> None:
    """A name with an escape sequence is shown without it."""
    runner = CliRunner()

    @click.command(cls=Verb)
    @click.pass_obj
    def show(terminal: Terminal) -> None:
        terminal.say("[red]a\x1b[2J\u202eb")

    shown = runner.invoke(show, [])
    assert shown.stdout == "[red]a\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}b\n"


@pytest.mark.parametrize(
    ("error", "code", "name"),
    [
        (Limited(Code.BUDGET_EXCEEDED, "expected less, got more", budget=object()), 1, None),
        (Unavailable(Code.STORE_UNAVAILABLE, "locked"), 1, None),
        (Unavailable(Code.SERVER_UNREACHABLE, "nobody"), 3, None),
        (Unavailable(Code.CHAIN_UNREACHABLE, "nobody"), 3, None),
        (PermissionError(13, "Permission denied", "/there"), 1, "file_system"),
        (ZeroDivisionError("with a secret in it"), 1, "internal"),
    ],
    ids=str,
)
def test_each_error_is_one_sentence_with_its_code_and_an_exit_code(
    error: Exception, code: int, name: str | None
) -> None:
    """No traceback, no text that nobody foresaw; --debug shows where."""

    @click.command(cls=Verb)
    def fail() -> None:
        raise error

    runner = CliRunner()
    failed = runner.invoke(fail, ["--json"])
    told = json.loads(failed.stdout)["error"]
    assert failed.exit_code == code
    assert told["code"] == (name or getattr(error, "code", ""))
    assert failed.stderr.startswith("error: ")
    assert failed.stderr.count("\n") == 1
    assert "secret in it" not in failed.output
    debugged = runner.invoke(fail, ["--debug"])
    assert debugged.exit_code == code
    assert "Traceback" in debugged.stderr
    assert debugged.stdout == ""


def test_an_interrupt_is_exit_code_130() -> None:
    """As shells expect."""

    @click.command(cls=Verb)
    def stop() -> None:
        raise KeyboardInterrupt

    assert CliRunner().invoke(stop, []).exit_code == 130


def test_every_command_has_help_and_the_two_options() -> None:
    """Nothing is undocumented."""
    assert valetkey("--version").out == f"valetkey {__version__}\n"
    top = valetkey("--help").out
    assert "3 a server or chain does not answer" in " ".join(top.split())
    for command in ("init", "serve", "doctor", "kill", "session open", "session revoke"):
        assert command.split(maxsplit=1)[0] in top
        told = valetkey(*command.split(), "--help").out
        assert "--json" in told
        assert "--debug" in told


def test_it_runs_as_a_module_and_as_a_script() -> None:
    """Both are the same program."""
    assert process("--version").out == f"valetkey {__version__}\n"
    script = Path(sys.executable).with_name("valetkey")
    ran = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    assert ran.stdout == f"valetkey {__version__}\n"


def test_a_command_that_is_none_is_a_usage_error() -> None:
    """Exit code 2."""
    assert valetkey("nonsense").code == 2
