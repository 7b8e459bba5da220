"""A child session is never more than its parent: permission, time, access, proof."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows.scene import ALICE, CAP, HOUR_S, MALLORY
from tests.flows.tree import ask_child, open_child, open_reader, refused_child
from valetkey.core.errors import (
    Code,
    Forbidden,
    Malformed,
)
from valetkey.core.permission.model import ANYTHING, Cap, Window
from valetkey.core.principal import Access
from valetkey.core.session import Proof
from valetkey.core.wallet import OwnerKey

if TYPE_CHECKING:
    from tests.flows.scene import Scene


@pytest.mark.parametrize(
    ("changed", "caveat"),
    [
        ({"cap": CAP + 1}, "rules[0]"),
        ({"recipients": (ALICE, MALLORY)}, "rules[0]"),
        ({"recipients": ANYTHING}, "rules[0]"),
        ({"max_calls": None}, "max_calls"),
        ({"max_calls": 6}, "max_calls"),
        ({"caps": "none"}, "caps[0].lifetime"),
        ({"caps": "window"}, "caps[0].lifetime"),
        ({"fee_budget_wei": None}, "fee_budget_wei"),
        ({"scopes": ("orders:write",)}, "scopes"),
    ],
)
async def test_no_permission_beyond_the_parents_is_given(
    scene: Scene, changed: dict[str, object], caveat: str
) -> None:
    """What is left out counts as without limit, and that is more as well."""
    base: dict[str, object] = {"max_calls": 5, "fee_budget_wei": 10**17}
    wide = scene.permission(scopes=("orders:read",), **base)  # type: ignore[arg-type]
    parent = await scene.open(await scene.wallet(), permission=wide)
    caps = {
        "none": (Cap(scene.token, 6, per_call=CAP),),
        "window": (Cap(scene.token, 6, window=Window(CAP, 60)),),
    }
    if "caps" in changed:
        changed = {"caps": caps[str(changed["caps"])]}
    asked = scene.permission(**{**base, **changed})  # type: ignore[arg-type]
    refused = await refused_child(scene, parent, scene.command(parent.holding, permission=asked))
    assert refused.code is Code.NOT_WITHIN_PARENT
    assert refused.facts["caveat"] == caveat


async def test_a_window_that_lies_across_the_parents_is_more(scene: Scene) -> None:
    """Two windows of the child in one of the parent's: within it only if both begin together."""
    caps = (Cap(scene.token, 6, window=Window(CAP, 600)),)
    limits = scene.permission(caps=caps)
    parent = await scene.open(await scene.wallet(), permission=limits)
    scene.clock.advance(60)
    late = replace(limits, starts_at=scene.clock.now())
    refused = await refused_child(scene, parent, scene.command(parent.holding, permission=late))
    assert refused.facts["caveat"] == "caps[0].window"
    child = await open_child(scene, parent, permission=limits)
    assert child.session.starts_at == parent.session.starts_at


async def test_no_child_outlives_its_parent_or_begins_before_it(scene: Scene) -> None:
    """Its time is within the parent's, of one that reads as well."""
    now = scene.clock.now()
    parent = await scene.open(await scene.wallet())
    for times in ((now, now + HOUR_S + 1), (now - 1, now + 5)):
        span: dict[str, Any] = {"starts_at": times[0], "expires_at": times[1]}
        reader = scene.command(None, proof=Proof.BEARER, **span)
        writer = scene.command(parent.holding, permission=scene.permission(**span))
        for command in (reader, writer):
            refused = await refused_child(scene, parent, command)
            assert refused.code is Code.NOT_WITHIN_PARENT


async def test_a_child_writes_only_where_this_server_signs(scene: Scene) -> None:
    """Nobody signs its runs where the chain key is with the parent's holder."""
    parent = await scene.open(await scene.wallet(OwnerKey.OUTSIDE), proof=Proof.CHAIN)
    command = scene.command(parent.holding)
    refused = await refused_child(scene, parent, command)
    assert refused.code is Code.NOT_ALLOWED
    assert "is with its holder" in refused.detail
    stamped = await scene.open(parent.holding)
    with pytest.raises(Malformed, match="expected bearer or stamp"):
        await ask_child(
            scene,
            stamped.id,
            scene.command(parent.holding, proof=Proof.CHAIN),
            who=stamped.principal,
        )


async def test_what_only_reads_has_no_child_that_writes(scene: Scene) -> None:
    """Not by its backend either, and not one level further down."""
    holding = await scene.wallet()
    parent = await scene.open(holding)
    opened, _ = await open_reader(scene, parent)
    command = scene.command(holding)
    with pytest.raises(Forbidden) as refused:
        await ask_child(scene, opened.session.id, command, who=scene.principal)
    assert refused.value.facts["caveat"] == "access"
    for bad in ({"permission": None}, {"access": Access.READ}):
        with pytest.raises(Malformed):
            await ask_child(scene, parent.id, replace(command, **bad), who=parent.principal)
