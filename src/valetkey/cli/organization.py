"""``valetkey organization``: what one may have, and its way from one server to another."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from valetkey.cli.options import home_option
from valetkey.cli.organization_meaning import vendor_meaning
from valetkey.cli.organization_quotas import quotas, set_quota
from valetkey.cli.terminal import Terminal, Verb
from valetkey.config import read_config
from valetkey.core.archive import MAX_FILE_BYTES
from valetkey.flows.arrive import arrive
from valetkey.flows.move import binds_another, gather, leave, resealed, stay
from valetkey.flows.reconcile import reconcile
from valetkey.wire.base import hexed
from valetkey.wiring import moving, wire

if TYPE_CHECKING:
    from valetkey.core.organization import Organization

_KEY_BYTES: Final = 32


def read_key(_ctx: click.Context, _param: click.Parameter, value: str) -> bytes:
    """
    Return the 32 bytes of a public key, 0x and hex.

    Raises:
        BadParameter: It is none.
    """
    try:
        key = bytes.fromhex(value.removeprefix("0x"))
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise click.BadParameter(f"expected 0x and 64 hex digits, got {value[:80]!r}")
    return key


@click.group()
def organization() -> None:
    """What an organization may have, and its way from one server to another."""


organization.add_command(quotas)
organization.add_command(set_quota)
organization.add_command(vendor_meaning)


@organization.command(cls=Verb, name="import-key")
@home_option
@click.pass_obj
def import_key(terminal: Terminal, home: Path) -> None:
    """
    Show the key that archives for this server are sealed for; made when there is none.

    It is good for one import, which takes it away.
    """
    key = hexed(moving(home, read_config(home, os.environ), os.environ).make_import_key())
    terminal.emit({"import_key": key})
    terminal.say(key)


@organization.command(cls=Verb, name="export")
@home_option
@click.argument("organization_id", metavar="ORGANIZATION")
@click.option("--for", "sealed_for", required=True, callback=read_key, help="Its import key.")
@click.option("--out", "-o", required=True, type=click.Path(path_type=Path), help="A new file.")
@click.pass_obj
def export_organization(
    terminal: Terminal, *, home: Path, organization_id: str, sealed_for: bytes, out: Path
) -> None:
    """
    Write ORGANIZATION, with all below it, to an archive for another server.

    From then on it writes nothing here any more: sessions act on one server alone. What is on its
    way is brought to its end first; while something is, this says so, and is to be run again. To
    send it to another server instead, first take it back with `valetkey organization stay`.
    """
    if out.exists():
        raise click.UsageError(f"expected a new file, got {out}, which is there")
    data, signer = asyncio.run(_export(home, organization_id, sealed_for))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(out, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    terminal.emit({"file": str(out), "bytes": len(data), "signed_by": hexed(signer)})
    terminal.say(f"{organization_id} is in {out}, and acts here no more")
    terminal.say(f"there: valetkey organization import {out.name} --from {hexed(signer)}")


async def _export(home: Path, organization_id: str, sealed_for: bytes) -> tuple[bytes, bytes]:
    async with wire(home, os.environ) as wired:
        world = wired.world
        carrier = moving(home, wired.config, os.environ)
        leaving = carrier.leave_for(sealed_for)
        await leave(world, organization_id, import_key=sealed_for)
        await reconcile(world)
        entities = await resealed(
            replace(world, vault=leaving.vault), await gather(world, organization_id)
        )
        data = await carrier.pack(
            entities,
            leaving,
            organization_id=organization_id,
            chains={name: hexed(one.implementation) for name, one in world.chains.items()},
            now=world.clock.now(),
            sign=lambda message: world.vault.sign(world.auditor, message),
        )
        return data, world.auditor.public_key.data


@organization.command(cls=Verb, name="import")
@home_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--from", "signer", required=True, callback=read_key, help="Audit key of the other server."
)
@click.pass_obj
def import_organization(terminal: Terminal, *, home: Path, file: Path, signer: bytes) -> None:
    """
    Take the organization in FILE: all of it, or nothing.

    The audit key is what `valetkey keys list` shows on the other server. Ask its operator for it
    on another way than the one that the file came.
    """
    taken, stranded = asyncio.run(_import(home, file, signer))
    terminal.emit({"organization_id": taken.id, "sessions_of_other_relayer": stranded})
    terminal.say(f"{taken.id} ({taken.name}) acts here from now on")
    if stranded:
        terminal.note(
            f"{stranded} sessions bind the other server's relayer: they act no more; open new ones"
        )


async def _import(home: Path, file: Path, signer: bytes) -> tuple[Organization, int]:
    with file.open("rb") as opened:
        data = opened.read(MAX_FILE_BYTES + 1)
    async with wire(home, os.environ) as wired:
        world = wired.world
        carrier = moving(home, wired.config, os.environ)
        archive = carrier.unpack(data, signer=signer)
        vault = carrier.arrive_with(archive.manifest)
        entities = await resealed(replace(world, vault=vault), dict(archive.entities))
        taken = await arrive(world, replace(archive, entities=entities))
        carrier.forget_import_key()
        return taken, binds_another(world, archive)


@organization.command(cls=Verb, name="stay")
@home_option
@click.argument("organization_id", metavar="ORGANIZATION")
@click.option("--not-imported", is_flag=True, help="No server has taken the archive, nor will.")
@click.pass_obj
def stay_here(terminal: Terminal, *, home: Path, organization_id: str, not_imported: bool) -> None:
    """
    Have ORGANIZATION act here again, though it was exported.

    Only if its archive was imported nowhere: on two servers, its sessions could spend twice what
    only a server counts. Destroy the archive first.
    """
    if not not_imported:
        raise click.UsageError("give --not-imported once that is sure, and the archive destroyed")
    asyncio.run(_stay(home, organization_id))
    terminal.emit({"organization_id": organization_id})
    terminal.say(f"{organization_id} acts here again")


async def _stay(home: Path, organization_id: str) -> None:
    async with wire(home, os.environ) as wired:
        await stay(wired.world, organization_id)
