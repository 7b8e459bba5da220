"""What a command says, to a person or to a program, and how it ends."""

from __future__ import annotations

import re
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from valetkey.client.errors import RefusedToSign
from valetkey.core.errors import Code, ValetkeyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import RenderableType

OK: Final = 0
REFUSED: Final = 1
UNREACHABLE: Final = 3
INTERRUPTED: Final = 130

_FAR: Final = frozenset({Code.SERVER_UNREACHABLE, Code.CHAIN_UNREACHABLE})
_PLACE: Final = re.compile(r" - at `\$\.?(.+)`")
_WIDTH_OF_A_PIPE: Final = 200
_NOT_SHOWN: Final = "\N{REPLACEMENT CHARACTER}"


class Terminal:
    """
    Where a command puts its words.

    Colours, widths and live tables are for a terminal alone, and ``NO_COLOR`` is heeded. With
    ``--json`` the only thing on standard output is one JSON document.

    Args:
        as_json: A program is listening.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.out = _console(stderr=False)
        self.err = _console(stderr=True)

    @property
    def is_live(self) -> bool:
        """Whether a person watches, so that a line may be written over."""
        return self.out.is_terminal and not self.as_json

    def say(self, text: str, *, style: str = "") -> None:
        """Tell a person something; a program does not hear it."""
        if not self.as_json:
            self.out.print(Text(plain(text), style=style), soft_wrap=True)

    def show(self, table: RenderableType) -> None:
        """Show a person a table or the like."""
        if self.as_json:
            return
        with self.out.capture() as captured:
            self.out.print(table)
        for line in captured.get().splitlines():
            click.echo(line.rstrip())

    def note(self, text: str) -> None:
        """Tell about progress, on standard error, where it is in nobody's way."""
        if not self.as_json:
            self.err.print(Text(plain(text), style="dim"), soft_wrap=True)

    @contextmanager
    def progress(self, text: str) -> Iterator[Callable[[str], None]]:
        """Show that something is waited for, and give what changes the text."""
        if self.as_json or not self.err.is_terminal:
            yield self.note
            return
        with self.err.status(Text(plain(text))) as status:
            yield lambda more: status.update(Text(plain(more)))

    def emit(self, document: object) -> None:
        """Give a program the one document that it waits for; a person does not see it."""
        if self.as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(document)).decode())

    def emit_line(self, document: object) -> None:
        """Give a program one of many documents, on a line of its own."""
        if self.as_json:
            click.echo(msgspec.json.encode(document))

    def complain(self, detail: str, *, code: str) -> None:
        """Say in a sentence what went wrong, on standard error."""
        said = Text("error: ", style="bold red").append(plain(f"{detail} [{code}]"), style="none")
        self.err.print(said, soft_wrap=True)

    def fail(self, code: str, detail: str, **facts: object) -> None:
        """Say what went wrong: a sentence on standard error, and a document for a program."""
        self.complain(detail, code=code)
        self.emit({"error": {"code": code, "detail": detail, **facts}})


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDTH_OF_A_PIPE
    return console


def plain(text: object) -> str:
    """Return *text* without anything that could steer a terminal."""
    return "".join(one if one.isprintable() or one == "\n" else _NOT_SHOWN for one in str(text))


def where_of(error: Exception) -> str:
    """Return what a decoder says, its place in our words: ``… at rules[0].target``."""
    said = str(error).replace("Input data was truncated", "JSON that ends too early")
    return _PLACE.sub(r" at \1", said).replace(" - at `$`", "")


def table_of(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table without frame whose cells are shown as they are."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(columns))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row))
    return table


class Verb(click.Command):
    """
    A command with ``--json`` and ``--debug`` whose errors are one sentence and an exit code.

    Its function gets a `Terminal` by ``click.pass_obj``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*args, **kwargs)
        self.params += [
            click.Option(["--json", "as_json"], is_flag=True, help="One JSON document as output."),
            click.Option(["--debug"], is_flag=True, help="Show where an error comes from."),
        ]

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own
        """Run the command; end with its exit code."""
        debug = ctx.params.pop("debug")
        terminal = Terminal(as_json=ctx.params.pop("as_json"))
        ctx.obj = terminal
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except Exception as error:  # noqa: BLE001 - a person sees a sentence, --debug the rest
            if debug:
                traceback.print_exc()
            ctx.exit(_report(terminal, error))


def _report(terminal: Terminal, error: Exception) -> int:
    if isinstance(error, ValetkeyError):
        terminal.fail(error.code, error.detail, **_plain_facts(error))
        return UNREACHABLE if error.code in _FAR else REFUSED
    if isinstance(error, RefusedToSign):
        terminal.fail("refused_to_sign", str(error))
    elif isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        terminal.fail("file_system", f"{where}{error.strerror or type(error).__name__}")
    else:
        detail = f"valetkey failed ({type(error).__name__}); --debug shows where"
        terminal.fail(Code.INTERNAL, detail)
    return REFUSED


def _plain_facts(error: ValetkeyError) -> dict[str, object]:
    """Return what JSON can carry of the facts of *error*."""
    kinds = (str, int, float, bool, type(None))
    names = sorted(error.facts.keys() - {"code", "detail"})
    return {name: error.facts[name] for name in names if isinstance(error.facts[name], kinds)}
