"""Sessions below others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.flows.holders import as_holder
from tests.flows.people import Held
from tests.worlds import dump
from valetkey.core.child_session import Beyond
from valetkey.core.errors import ValetkeyError
from valetkey.core.permission.subset import NotSubset, is_subset
from valetkey.core.session import Proof
from valetkey.flows import open_child as opening

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.core.activity import Request
    from valetkey.core.command import OpenSession
    from valetkey.core.permission.model import Permission
    from valetkey.core.principal import Principal
    from valetkey.flows.opening import Opened


async def compare(child: Permission, parent: Permission) -> Beyond | None:
    """Say whether *child* is within *parent*, here and now."""
    found = is_subset(child, parent)
    return Beyond(found.caveat, found.detail) if isinstance(found, NotSubset) else None


async def ask_child(
    scene: Scene,
    parent_id: str,
    command: OpenSession,
    *,
    who: Principal,
    request: Request | None = None,
) -> Opened:
    """Ask for a session under another one."""
    return await opening.open_child(
        scene.world,
        who,
        request or scene.request(),
        parent_id=parent_id,
        command=command,
        compare=compare,
    )


async def open_child(
    scene: Scene,
    parent: Held,
    *,
    permission: Permission | None = None,
    who: Principal | None = None,
    **changed: Any,  # noqa: ANN401 - fields of the command
) -> Held:
    """Return a session under *parent* that writes, opened by its holder, and held by somebody."""
    key = scene.new_key()
    limits = permission or parent.session.permission
    command = scene.command(parent.holding, permission=limits, secret=key, **changed)
    opened = await ask_child(scene, parent.id, command, who=who or parent.principal)
    return held_of(opened, key, parent)


async def open_reader(scene: Scene, parent: Held) -> tuple[Opened, Principal]:
    """Return a session under *parent* that reads, by its token, and who that proves."""
    command = scene.command(None, proof=Proof.BEARER)
    opened = await ask_child(scene, parent.id, command, who=scene.principal)
    return opened, held_of(opened, b"", parent).principal


def held_of(opened: Opened, key: bytes, parent: Held) -> Held:
    """Return who holds a new session."""
    session = opened.session
    who = as_holder(session)
    return Held(session, who, key, parent.holding)


async def refused_child(scene: Scene, parent: Held, command: OpenSession) -> ValetkeyError:
    """Return why *command* is refused under *parent*; nothing has changed."""
    before = await dump(scene.world)
    with pytest.raises(ValetkeyError) as refused:
        await ask_child(scene, parent.id, command, who=parent.principal)
    assert await dump(scene.world) == before
    return refused.value
