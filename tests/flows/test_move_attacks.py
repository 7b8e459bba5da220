"""Archives that somebody made or changed: refused with a reason, and nothing is taken."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.flows.movers import Side, sides
from tests.flows.test_move import fill
from tests.worlds import CHAIN, dump
from valetkey.core.audit import AuditLine
from valetkey.core.budget import BudgetLine
from valetkey.core.errors import Code, Conflict, Malformed, Unavailable
from valetkey.core.organization import Organization, User
from valetkey.core.quota import Tally
from valetkey.core.session import Session, Usage
from valetkey.core.sponsorship import Fund, fund_line_id
from valetkey.core.surface import Surface
from valetkey.core.wallet import Account, Clone, SealedKey
from valetkey.core.webhook import Delivery, VendorForm, Webhook
from valetkey.flows.move import gather, leave

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.flows.scene import Scene
    from valetkey.flows.move import Entities


def first(kind: type, **changed: object) -> Callable[[Entities], None]:
    """Return what changes the first entity of *kind*."""

    def change(entities: Entities) -> None:
        entities[kind][0] = replace(entities[kind][0], **changed)

    return change


def tally_of(quota: str, count: int | None) -> Callable[[Entities], None]:
    """Return what has *quota* counted otherwise, or not at all."""

    def change(entities: Entities) -> None:
        other = [one for one in entities[Tally] if not one.id.endswith(f"/{quota}")]
        ours = [one for one in entities[Tally] if one.id.endswith(f"/{quota}")]
        assert ours
        left = [] if count is None else [replace(one, count=count) for one in ours]
        entities[Tally] = other + left

    return change


def server_named(entities: Entities) -> None:
    """Have a user be called as the server is, and a budget be of that user."""
    user = entities[User][0]
    entities[User].append(replace(user, id="server"))
    entities[BudgetLine][0] = replace(entities[BudgetLine][0], organization_id="server")


def signed_by_another(entities: Entities) -> None:
    """Have the runs of a session be signed by the key of a session that is elsewhere."""
    place, held = next((n, one) for n, one in enumerate(entities[Session]) if one.grant)
    entities[Session][place] = replace(held, grant=replace(held.grant, key_id=OTHER))


def told_as_another(entities: Entities) -> None:
    """Have what a receiver is sent be signed by an API key that is elsewhere."""
    form = VendorForm(Surface.OPENFORT, "intent.done", ("account:execute",), "", OTHER)
    entities[Webhook][0] = replace(entities[Webhook][0], form=form)


def fund_of(entities: Entities, **changed: int) -> None:
    """Change the fund for runs."""
    place, line = next((n, one) for n, one in enumerate(entities[BudgetLine]) if ":runs/" in one.id)
    spent = changed.pop("spent", line.counter.spent)
    counter = replace(line.counter, spent=spent)
    entities[BudgetLine][place] = replace(line, counter=counter, **changed)


def cut(entities: Entities) -> None:
    """Leave out the last line of a log."""
    entities[AuditLine].pop()


def a_clone_elsewhere(entities: Entities) -> None:
    """Have an account be a clone of somebody's that is at another address."""
    clone = Clone(b"\x01" * 20, b"\x02" * 20, b"\x03" * 20, bytes(32), personal=True)
    entities[Account][0] = replace(entities[Account][0], clone=clone)


OTHER: Final = "ses_06hhgq2g00h5gj2ndbrq0fnt"
FORGED: Final[dict[str, Callable[[Entities], None]]] = {
    "another organization": first(User, organization_id="org_06hhgq2g00h5gj2ndbrq0fnt"),
    "the server's own": first(BudgetLine, organization_id="server"),
    "called as the server": server_named,
    "a budget over others": first(BudgetLine, scope_id="wal_06hhgq2g00h5gj2ndbrq0fnt"),
    "a budget called as others'": first(BudgetLine, id="usr_06hhgq2g00h5gj2ndbrq0fnt/fees/0"),
    "usage of others": first(Usage, id=OTHER),
    "a parent elsewhere": first(Session, parent_id=OTHER),
    "a delivery of others": first(Delivery, webhook_id="whk_06hhgq2g00h5gj2ndbrq0fnt"),
    "a line of another log": first(Delivery, line_id="org_06hhgq2g00h5gj2ndbrq0fnt/000000000001"),
    "a key of another session": signed_by_another,
    "an API key of others": told_as_another,
    "a clone that is elsewhere": a_clone_elsewhere,
    "counts of others": first(Tally, id="org_06hhgq2g00h5gj2ndbrq0fnt/users"),
    "fewer users than there are": tally_of("users", 0),
    "less than no wallets": tally_of("wallets", -(10**9)),
    "less than no sessions": tally_of("sessions", -1),
    "no count of credentials": tally_of("credentials", None),
    "less than nothing spent": partial(fund_of, spent=-(10**30)),
    "a fund of less than nothing": partial(fund_of, limit=-1),
    "a top that is none": first(Organization, parent_id="org_06hhgq2g00h5gj2ndbrq0fnt"),
    "one that moved": first(Organization, moved_at=1),
    "a log that was cut": cut,
    "a log that was changed": first(AuditLine, event="user:added"),
}


@pytest.mark.parametrize("name", FORGED)
async def test_an_archive_says_nothing_of_others(scene: Scene, tmp_path: Path, name: str) -> None:
    """Also a server that we believe cannot reach what is not in the archive."""
    await fill(scene)
    here, there = await sides(scene, tmp_path)
    organization_id = scene.principal.organization_id
    await leave(here.world, organization_id, import_key=bytes(32))
    entities = await gather(here.world, organization_id)
    FORGED[name](entities)
    data = await here.pack(entities, there, organization_id=organization_id)
    before = await dump(there.world)
    with pytest.raises(Malformed) as refused:
        await there.take(data, signer=here.signer)
    assert refused.value.code is Code.MALFORMED_ARCHIVE
    assert await dump(there.world) == before


async def test_an_archive_brings_no_more_gas_than_a_new_organization_gets(
    scene: Scene, tmp_path: Path
) -> None:
    """The money is of who runs the other server: what is left of a fund is theirs to give."""
    await fill(scene)
    here, there = await sides(scene, tmp_path)
    organization_id = scene.principal.organization_id
    await leave(here.world, organization_id, import_key=bytes(32))
    entities = await gather(here.world, organization_id)
    fund_of(entities, limit=10**30, spent=7)
    data = await here.pack(entities, there, organization_id=organization_id)
    await there.take(data, signer=here.signer)
    line = await there.world.store.read(
        lambda view: view.get(BudgetLine, fund_line_id(organization_id, Fund.RUNS))
    )
    assert line is not None
    assert (line.limit, line.counter.spent) == (there.world.bounds.runs_fund_wei + 7, 7)


async def test_a_key_that_was_moved_to_another_wallet_does_not_open(
    scene: Scene, tmp_path: Path
) -> None:
    """Each sealed record says whose it is: it cannot be made somebody else's on the way."""
    await fill(scene)
    here, there = await sides(scene, tmp_path)
    organization_id = scene.principal.organization_id
    data = await here.export(organization_id, there)
    archive = there.carrier.unpack(data, signer=here.signer)
    (one, *_), two = archive.entities[SealedKey], archive.entities[SealedKey][1]
    vault = there.carrier.arrive_with(archive.manifest)
    assert await vault.rewrap_key(one) != one
    with pytest.raises(Unavailable):
        await vault.rewrap_key(replace(one, wallet_id=two.wallet_id))


async def _exported(scene: Scene, tmp_path: Path) -> tuple[bytes, Side, Side]:
    await fill(scene)
    here, there = await sides(scene, tmp_path)
    return await here.export(scene.principal.organization_id, there), here, there


async def test_it_is_taken_once(scene: Scene, tmp_path: Path) -> None:
    """Again it is a conflict, and so is the server that it came from."""
    data, here, there = await _exported(scene, tmp_path)
    await there.take(data, signer=here.signer)
    before = await dump(there.world)
    with pytest.raises(Conflict):
        await there.take(data, signer=here.signer)
    assert await dump(there.world) == before
    back = await here.pack(await gather(here.world, scene.principal.organization_id), here)
    with pytest.raises(Conflict):
        await here.take(back, signer=here.signer)


async def test_only_who_it_is_for_takes_it_from_whom_it_is_of(scene: Scene, tmp_path: Path) -> None:
    """Another signer, another import key, another contract: refused."""
    data, here, there = await _exported(scene, tmp_path)
    with pytest.raises(Malformed, match="signed by the server named"):
        await there.take(data, signer=there.signer)
    here.carrier.make_import_key()
    with pytest.raises(Malformed, match="for this server's import key"):
        await here.take(data, signer=here.signer)
    there.carrier.forget_import_key()
    with pytest.raises(Unavailable, match="good for one import"):
        await there.take(data, signer=here.signer)
    there.carrier.make_import_key()
    with pytest.raises(Malformed, match="for this server's import key"):
        await there.take(data, signer=here.signer)
    entities = await gather(here.world, scene.principal.organization_id)
    other = await here.pack(entities, there, chains={CHAIN: f"0x{'22' * 20}"})
    with pytest.raises(Malformed, match="account contract"):
        await there.take(other, signer=here.signer)
    with pytest.raises(Malformed, match="import key"):
        here.carrier.leave_for(b"short")


def zipped(data: bytes, **changed: bytes | None) -> bytes:
    """Return *data* with files of it replaced, put in, or (None) left out."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", 8) as new:
        files: dict[str, Any] = {one: old.read(one) for one in old.namelist()}
        for name, text in {**files, **changed}.items():
            if text is not None:
                new.writestr(name, text)
    return made.getvalue()


CHANGED: Final[dict[str, dict[str, bytes | None]]] = {
    "empty": {"user.jsonl": b""},
    "a bomb": {"user.jsonl": b" " * 50_000_000},
    "gone": {"user.jsonl": None},
    "another manifest": {"manifest.json": b"{}"},
    "another signature": {"manifest.sig": bytes(64)},
    "no signature": {"manifest.sig": None},
    "a way up": {"../user.jsonl": b""},
    "a way to the root": {"/etc/passwd": b""},
    "one more": {"server.jsonl": b""},
}


@pytest.mark.parametrize("name", CHANGED)
async def test_a_changed_file_is_found(scene: Scene, tmp_path: Path, name: str) -> None:
    """Shorter, longer than it says (a bomb), gone, or called like nothing of ours."""
    data, here, there = await _exported(scene, tmp_path)
    with pytest.raises(Malformed) as refused:
        await there.take(zipped(data, **CHANGED[name]), signer=here.signer)
    assert refused.value.code is Code.MALFORMED_ARCHIVE


async def test_what_is_no_archive_is_refused(scene: Scene, tmp_path: Path) -> None:
    """Nothing, a part of one, a flipped bit."""
    data, here, there = await _exported(scene, tmp_path)
    half = len(data) // 2
    flipped = data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :]
    for bad in (b"", b"PK", data[:half], flipped):
        with pytest.raises(Malformed) as refused:
            await there.take(bad, signer=here.signer)
        assert refused.value.code is Code.MALFORMED_ARCHIVE
