"""The word to the signer, and which share of a wallet signs."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from tests.worlds import make_world
from valetkey.core.custody import (
    Approval,
    Carried,
    Order,
    Purpose,
    SealedShare,
    SigningPlan,
    SplitKey,
    plan_digest,
    share_context,
)
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.wallet import Curve, PublicKey

PLAN = SigningPlan("wal_1", 1, Purpose.SIGN, "message", plan_digest(b"hello"))
APPROVAL = Approval("one", "act_1", "org_1", PLAN, 5, 35)
KEY = PublicKey(Curve.SECP256K1, b"\x02" * 33)
SPLIT = SplitKey("wal_1", "org_1", KEY, SealedShare(1, b"one"), generations=1)


def other(value: Any) -> Any:  # noqa: ANN401 - of any field
    """Return another value of the same kind."""
    if isinstance(value, Purpose):
        return Purpose.EJECT
    return value + (b"x" if isinstance(value, bytes) else "x" if isinstance(value, str) else 1)


async def test_an_approval_is_of_every_field_of_its_plan() -> None:
    """Changed in any way it is not what the server signed: each field counts."""
    world = await make_world()
    signature = await world.vault.sign(world.approver, APPROVAL.message)
    approver = world.approver.public_key
    assert APPROVAL.is_by(approver, signature)
    changed = [
        replace(APPROVAL, **{one.name: other(getattr(APPROVAL, one.name))})
        for one in fields(Approval)
        if one.name != "plan"
    ]
    changed += [
        replace(APPROVAL, plan=replace(PLAN, **{one.name: other(getattr(PLAN, one.name))}))
        for one in fields(SigningPlan)
    ]
    assert not any(one.is_by(approver, signature) for one in changed)
    assert len({one.message for one in changed}) == len(changed)
    assert not APPROVAL.is_by(world.auditor.public_key, signature)
    assert not APPROVAL.is_by(PublicKey(Curve.ED25519, b"no key"), signature)


def test_a_new_line_signs_beside_the_old_one_until_it_is_used() -> None:
    """Then the old one is gone; one that was overtaken never signs."""
    coming = SPLIT.with_coming(SealedShare(2, b"two"))
    assert coming.generations == 2
    assert [coming.share_of(one) for one in (1, 2, 3)] == [coming.current, coming.coming, None]
    assert coming.used(1) == coming
    used = coming.used(2)
    assert (used.current, used.coming) == (SealedShare(2, b"two"), None)
    assert used.share_of(1) is None
    assert used.used(2) == used
    newer = coming.with_coming(SealedShare(3, b"three"))
    assert newer.share_of(2) is None


def test_a_share_is_sealed_for_one_place() -> None:
    """Organization, wallet, key and generation: another one of any is another context."""
    contexts = {
        share_context("org_1", "wal_1", KEY, 1),
        share_context("org_2", "wal_1", KEY, 1),
        share_context("org_1", "wal_2", KEY, 1),
        share_context("org_1", "wal_1", PublicKey(Curve.ED25519, KEY.data), 1),
        share_context("org_1", "wal_1", PublicKey(KEY.curve, b"\x03" * 33), 1),
        share_context("org_1", "wal_1", KEY, 2),
    }
    assert len(contexts) == 6


@pytest.mark.parametrize("held", [Order(APPROVAL, b"", Curve.ED25519), Carried()])
def test_neither_an_order_nor_its_answer_shows_a_share(held: Order | Carried) -> None:
    """They are values, and values end up in tracebacks."""
    shown = repr(replace(held, share=SecretBytes(b"a secret of sixteen bytes")))
    assert "a secret" not in shown
    assert plan_digest(b"") == bytes(32)
