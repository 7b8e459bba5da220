"""``valetkey permission``: what a permission means, said without any server."""

from __future__ import annotations

import time
from typing import IO, TYPE_CHECKING, Final

import click
import msgspec

from valetkey.cli.options import read_names, read_span
from valetkey.cli.terminal import Terminal, Verb, table_of, where_of
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.canonical import permission_id
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.compile import NotOnChain, compile_grant
from valetkey.core.permission.explain import explain as sentences_of
from valetkey.core.permission.explain import headline
from valetkey.core.permission.worst_case import worst_case
from valetkey.wire import explain as wire
from valetkey.wire.permission import PermissionDocument, read_permission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.permission.model import Permission

MAX_DOCUMENT_BYTES: Final = 65_536
_ANY_KEY: Final = b"\1" * 20  # which key holds it changes nothing of what compiles
_ANY_SALT: Final = 0


@click.group()
def permission() -> None:
    """What a session may do, in words and numbers."""


@permission.command(cls=Verb)
@click.argument("file", type=click.File("rb"))
@click.option(
    "--ttl",
    metavar="TIME",
    callback=read_span,
    help="For a permission without times: from now, for so long (such as 15m, 1h, 7d).",
)
@click.option(
    "--name",
    "names",
    metavar="ADDRESS=NAME",
    multiple=True,
    callback=read_names,
    help="What an address is called, such as 0x…=USDC. May be repeated.",
)
@click.pass_obj
def explain(terminal: Terminal, file: IO[bytes], ttl: int | None, names: dict[bytes, str]) -> None:
    """
    Say what the permission in FILE (- is standard input) allows, and the worst case.

    Nothing is asked of any server. A permission that is not well formed is refused, with the place
    and what was expected there.
    """
    now = int(time.time())
    document = read_document(file)
    if ttl is None and None in {document.starts_at, document.expires_at}:
        raise click.UsageError("the permission has no starts_at and expires_at; give --ttl")
    found = read_permission(
        document,
        starts_at=now if ttl else None,
        expires_at=(document.starts_at or now) + ttl if ttl else None,
    )
    explained = explain_permission(check_permission(found), names=names)
    terminal.emit(explained)
    terminal.say(explained.headline, style="bold")
    for sentence in explained.explanation:
        terminal.say(f"  {sentence}")
    terminal.say("")
    terminal.show(table_of(["", ""], _summary(explained, document)))


def read_document(file: IO[bytes]) -> PermissionDocument:
    """
    Return the permission document in *file*.

    Raises:
        Malformed: It is too long, no JSON, or no permission; the detail names the place.
    """
    content = file.read(MAX_DOCUMENT_BYTES + 1)
    if len(content) > MAX_DOCUMENT_BYTES:
        detail = f"expected a permission of at most {MAX_DOCUMENT_BYTES} bytes, got more"
        raise Malformed(Code.MALFORMED_PERMISSION, detail)
    try:
        return msgspec.json.decode(content, type=PermissionDocument)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail = f"expected a permission: {where_of(error)}"
        raise Malformed(Code.MALFORMED_PERMISSION, detail) from None


def explain_permission(permission: Permission, *, names: Mapping[bytes, str]) -> wire.Explained:
    """
    Return *permission*, which is well formed, in words and numbers.

    Args:
        names: What addresses are called.
    """
    compiled = compile_grant(permission, key=_ANY_KEY, salt=_ANY_SALT)
    compiles: bool | wire.NotOnChain = True
    if isinstance(compiled, NotOnChain):
        compiles = wire.NotOnChain(caveat=compiled.caveat, detail=compiled.detail)
    return wire.Explained(
        permission_id=permission_id(permission),
        headline=headline(permission, names=names),
        explanation=list(sentences_of(permission, names=names)),
        worst_case=wire.write_worst_case(worst_case(permission), names=names),
        compiles=compiles,
    )


def _summary(explained: wire.Explained, document: PermissionDocument) -> list[tuple[str, str]]:
    on_chain = "it compiles: the chain enforces it"
    if isinstance(explained.compiles, wire.NotOnChain):
        on_chain = f"not {explained.compiles.caveat}: {explained.compiles.detail}"
    elif document.fee_budget_wei is not None:
        on_chain += ", but for the fee budget, which the server counts"
    return [
        ("worst case", explained.worst_case.text),
        ("on chain", on_chain),
        ("id", explained.permission_id),
    ]
