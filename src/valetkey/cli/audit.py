"""``valetkey audit``: the log is what was written, or where it is not."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from valetkey.cli.audit_place import check_there, head_there, place_of, place_options
from valetkey.cli.heads import append_heads, read_heads
from valetkey.cli.terminal import REFUSED, Terminal, Verb, plain, table_of
from valetkey.core.errors import Code
from valetkey.flows.audits import check_logs, signed_heads
from valetkey.wire.server import write_audit_head
from valetkey.wiring import wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.cli.audit_place import Place
    from valetkey.cli.heads import BadLine
    from valetkey.core.audit import SignedHead
    from valetkey.flows.audits import Checked


@click.group()
def audit() -> None:
    """The append-only log of everything that changed."""


@audit.command(cls=Verb)
@place_options
@click.option(
    "--heads",
    "heads_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Signed heads that were kept elsewhere (default: with --home, the server's own file).",
)
@click.pass_obj
def verify(
    terminal: Terminal,
    *,
    home: Path,
    url: str | None,
    api_key: str | None,
    organization_id: str | None,
    heads_path: Path | None,
) -> None:
    """
    Check every line of every log, and hold the logs against signed heads.

    Finds a line that was changed, taken out, put in or moved; with a head kept elsewhere also an
    end that was cut off. The server may be running. With --url the log of one organization is read
    from a server and hashed here: it needs no file of the server, and no trust in it but for what
    is behind the last kept head. Exit code 1 if anything is broken.
    """
    place = place_of(home, url, api_key, organization_id)
    checked, bad, used = (
        asyncio.run(_verify(home, heads_path))
        if place.url is None
        else (_verify_there(place, heads_path))
    )
    is_whole = not bad and all(one.broken is None for one in checked)
    terminal.emit(
        {
            "ok": is_whole,
            "heads_file": None if used is None else str(used),
            "bad_heads": [{"line": one.number, "problem": one.problem} for one in bad],
            "organizations": [_document(one) for one in checked],
        }
    )
    columns = ["organization", "lines", "signed head", "result"]
    terminal.show(table_of(columns, (_row(one) for one in checked)))
    for one in bad:
        terminal.say(f"{used}, line {one.number}: {one.problem}", style="red")
    if all(one.against is None for one in checked):
        terminal.note("no signed heads: a log that was cut at its end looks whole without one")
    if not is_whole:
        places = [f"{one.organization_id} line {one.broken.seq}" for one in checked if one.broken]
        places += [f"{used} line {one.number}" for one in bad]
        detail = f"the log is not what was written: {', '.join(places)}"
        terminal.complain(detail, code=Code.AUDIT_BROKEN)
        click.get_current_context().exit(REFUSED)


async def _verify(
    home: Path, heads_path: Path | None
) -> tuple[list[Checked], list[BadLine], Path | None]:
    async with wire(home, os.environ) as wired:
        own = home / wired.config.heads_file
        used = heads_path or (own if own.exists() else None)
        heads, bad = read_heads(used) if used else ([], [])
        return await check_logs(wired.world, heads), bad, used


def _verify_there(
    place: Place, heads_path: Path | None
) -> tuple[list[Checked], list[BadLine], Path | None]:
    heads, bad = read_heads(heads_path) if heads_path else ([], [])
    checked = check_there(place, heads, must_match=heads_path is not None)
    return [checked], bad, heads_path


def _document(one: Checked) -> dict[str, object]:
    broken = one.broken
    return {
        "organization_id": one.organization_id,
        "lines": one.lines,
        "head": None if one.against is None else write_audit_head(one.against),
        "broken": None if broken is None else {"line": broken.seq, "problem": broken.problem},
    }


def _row(one: Checked) -> Sequence[object]:
    held = "none" if one.against is None else f"line {one.against.seq}"
    result = Text("ok", style="green")
    if one.broken is not None:
        result = Text(plain(f"line {one.broken.seq}: {one.broken.problem}"), style="red")
    return one.organization_id, one.lines, held, result


@audit.command(cls=Verb)
@place_options
@click.option("--append", is_flag=True, help="With --home: also add them to the server's file.")
@click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also add them to this file, one a line, for `audit verify --heads`.",
)
@click.pass_obj
def head(
    terminal: Terminal,
    *,
    home: Path,
    url: str | None,
    api_key: str | None,
    organization_id: str | None,
    append: bool,
    to: Path | None,
) -> None:
    """
    Sign and show where every log is now; with --url, that of one organization.

    Keep it where the server cannot write: held against it, `audit verify` finds a log that was cut
    or written anew.
    """
    place = place_of(home, url, api_key, organization_id)
    if place.url is None:
        heads, own = asyncio.run(_heads(home))
    elif append:
        raise click.UsageError("--append is for --home; give --to with a file of yours")
    else:
        heads, own = [head_there(place)], None
    for path in (own if append else None, to):
        if path is not None:
            append_heads(path, heads)
            terminal.note(f"added to {path}")
    terminal.emit({"items": [write_audit_head(one) for one in heads]})
    columns = ["organization", "line", "hash", "signed at"]
    rows = ((one.organization_id, one.seq, one.hash.hex(), one.signed_at) for one in heads)
    terminal.show(table_of(columns, rows))


async def _heads(home: Path) -> tuple[list[SignedHead], Path]:
    async with wire(home, os.environ) as wired:
        return await signed_heads(wired.world), home / wired.config.heads_file
