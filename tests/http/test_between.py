"""Who was let in, and is stopped before the transaction that writes, writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.http.calls import Key, Stamper, Token
from tests.http.doors import read_table
from tests.http.requests_for import MAKERS, add_targets
from valetkey.adapters.store.memory import MemoryStore
from valetkey.core.consent_link import ConsentLink
from valetkey.core.credential import Credential
from valetkey.core.scope import Role, Standing
from valetkey.core.session import Session, State
from valetkey.core.token import fingerprint
from valetkey.core.wallet import Curve, PublicKey
from valetkey.devchain import mint
from valetkey.http.native.table import ROUTES
from valetkey.http.routes import EVERYBODY, Leave, Write

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.http.stage import Stage
    from valetkey.ports import Tx, View

# It finds nothing to clear here; where it does, it opens a session and runs, as these do.
CLEAR: Final = "/v1/accounts/{account_id}/approvals/clear"
WRITES: Final = {
    f"{route.method} {route.path}": route
    for route in ROUTES
    if isinstance(route, Write | Leave) and route.who != EVERYBODY and route.path != CLEAR
}
OTHER: Final = PublicKey(Curve.P256, bytes.fromhex(Key.make("p256", 99).document["public_key"][2:]))
SESSIONS: Final = ("stamp_write", "chain", "child")


@dataclass(frozen=True, slots=True)
class Stop:
    """
    What happens to whoever asks between their proof and what they asked for.

    Args:
        codes: What they may be answered.
        find: What is changed, as it was before.
        change: What becomes of it; None where it goes.
    """

    name: str
    codes: frozenset[str]
    find: Callable[[Stage, View, str], Any]
    change: Callable[[Any], Any]


def _credential(stage: Stage, view: View, caller: str) -> Credential:
    proof = stage.callers[caller].proof
    if isinstance(proof, Stamper):
        found = view.get(Credential, proof.key_id)
    else:
        assert isinstance(proof, Token)
        found = view.find(Credential, fingerprint=fingerprint(proof.text))[0]
    assert found is not None
    return found


def _session(stage: Stage, view: View, caller: str) -> Session:
    found = view.get(Session, stage.keys[caller])
    assert found is not None
    return found


def _link(stage: Stage, view: View, caller: str) -> ConsentLink:
    proof = stage.callers[caller].proof
    assert isinstance(proof, Token)
    return view.find(ConsentLink, fingerprint=fingerprint(proof.text))[0]


REFUSED: Final = frozenset({"proof_refused"})
REVOKE: Final = Stop("revoked", REFUSED, _credential, lambda one: replace(one, revoked_at=1))
LESSEN: Final = Stop(
    "lessened",
    frozenset({"scope_missing"}),
    _credential,
    lambda one: replace(one, standing=Standing(Role.AUDITOR)),
)
ROTATE_CREDENTIAL: Final = Stop(
    "rotated", REFUSED, _credential, lambda one: replace(one, public_key=OTHER)
)
FREEZE: Final = Stop(
    "frozen",
    frozenset({"session_frozen"}),
    _session,
    lambda one: replace(one, state=State.FROZEN),
)
END: Final = Stop(
    "ended",
    frozenset({"session_revoked"}),
    _session,
    lambda one: replace(one, state=State.REVOKED),
)
ROTATE: Final = Stop("rotated", REFUSED, _session, lambda one: replace(one, key=OTHER))
UNLINK: Final = Stop("unlinked", frozenset({"not_found"}), _link, lambda _: None)


def _stops(route: Write | Leave, caller: str) -> tuple[Stop, ...]:
    """Return all that may happen to *caller*."""
    if caller in SESSIONS:
        return (ROTATE,) if isinstance(route, Leave) else (FREEZE, END, ROTATE)
    if caller in {"secret", "parent"}:
        return REVOKE, LESSEN
    return {"p256": (REVOKE, ROTATE_CREDENTIAL), "publishable": (REVOKE,), "link": (UNLINK,)}.get(
        caller, ()
    )


def test_every_route_that_writes_is_raced() -> None:
    """The table below has somebody who is let in for each; the keys of new keys have a test."""
    raced = {row.removesuffix(" own") for row, words in read_table().items() if _let_in(words)}
    signed_by_new_key = {"POST /v1/session/key", "POST /v1/credentials/{credential_id}/key"}
    own_activity = {"POST /v1/activities/{activity_id}/signature"}
    assert WRITES.keys() - raced <= signed_by_new_key | own_activity


def _let_in(words: dict[str, str]) -> list[str]:
    callers = ("secret", "parent", "p256", "publishable", "link", *SESSIONS)
    return [name for name in callers if words[name] == "yes"]


@pytest.mark.asyncio(loop_scope="module")
async def test_who_is_stopped_between_proof_and_write_writes_nothing(stage: Stage) -> None:
    """
    Every route that writes looks again, in the transaction that writes, at who asks.

    Without it, whoever is shut out has one more request: the one that is on its way.
    """
    await add_targets(stage)
    mint(stage.node.rpc, stage.deployment, bytes.fromhex(stage.account["address"][2:]), 10**6)
    wrong: dict[tuple[str, str, str], str] = {}
    for row, words in read_table().items():
        route = WRITES.get(row.removesuffix(" own"))
        for caller in _let_in(words) if route else ():
            for stop in _stops(route, caller):  # type: ignore[arg-type]
                answered = await _race(stage, row, caller, stop)
                if answered not in stop.codes:
                    wrong[row, caller, stop.name] = answered
    assert wrong == {}


async def _race(stage: Stage, row: str, caller: str, stop: Stop) -> str:
    """Return the code of the answer to who is stopped meanwhile; fail if anything was written."""
    path, body = await MAKERS[row](stage, caller)
    before = await stage.world.store.read(lambda view: stop.find(stage, view, caller))

    def come_between(tx: Tx) -> None:
        after = stop.change(before)
        if after is None:
            tx.drop(type(before), before.id)
        else:
            tx.put(after)

    store = stage.store
    store.let_pass = int(isinstance(stage.callers[caller].proof, Stamper))  # the note of its nonce
    store.in_front = come_between
    store.changes.clear()
    answer = await stage.callers[caller].send(row.partition(" ")[0], path, body)
    changes, is_raced, store.in_front = store.changes.copy(), store.in_front is None, None
    await MemoryStore.write(store, lambda tx: tx.put(before))
    if not is_raced:
        return f"{answer.status_code}, and wrote nothing"
    if answer.status_code < 400 or changes:
        return f"{answer.status_code}, and changed {changes}"
    code: str = answer.json().get("code", answer.text)
    return code
