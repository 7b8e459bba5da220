"""What owners sign for sessions: one endpoint for what puts a session on chain and what ends it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.plan import consent_digests, owner_signature_of
from valetkey.core.scope import Scope
from valetkey.core.session import Session, State
from valetkey.flows.gate import present
from valetkey.flows.grant import granted
from valetkey.flows.register import register
from valetkey.flows.revocation import ask_revocation, asked_of, sign_revocation, to_end
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.chains import ChainId, chain_of
from valetkey.http.dialects.openfort.session_json import SessionJson, is_on_its_way
from valetkey.http.dialects.openfort.session_keys import expect_new_key, session_of_key, states_of
from valetkey.http.dialects.openfort.sessions import (
    OF_PLAYER,
    PATH,
    answered,
    expect_registered,
    is_shown,
    policy_of,
    session_id_of,
)
from valetkey.http.dialects.openfort.whose import Whose, account_of, no_account
from valetkey.http.rates import Lane
from valetkey.http.routes import EVERY_KEY, PUBLISHABLE, SECRET_OR_SESSION, Ask, Route, Write
from valetkey.wire.base import read_address, read_bytes

if TYPE_CHECKING:
    from valetkey.core.wallet import Account
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.ports import View

_SIGNATURE_BYTES: Final = 65


class Signature(Struct, frozen=True):
    """
    What was signed, 65 bytes.

    Args:
        optimistic: Looked past: what is answered is what is known.
    """

    signature: str
    optimistic: bool | None = None


class Revoke(Struct, frozen=True, rename="camel"):
    """
    A session to end.

    Args:
        address: Of its key, or its id.
        policy: Looked past but for its form: the fund for stops pays.
        optimistic: As in `Signature`.
    """

    address: str
    chain_id: ChainId
    account: str | None = None
    player: str | None = None
    policy: str | None = None
    optimistic: bool | None = None


class _Signed(NamedTuple):
    """What a signature is brought for."""

    session: Session
    account: Account
    ends: bool


def read_signature(text: str) -> bytes:
    """
    Return the 65 bytes of a signature.

    Raises:
        Malformed: It is not that long, or no hex.
    """
    bad = Code.MALFORMED_SIGNATURE
    return read_bytes(text, "signature", count=_SIGNATURE_BYTES, code=bad)


async def _sign(admitted: Admitted, ask: Ask[Signature, NoQuery]) -> SessionJson:
    world, principal, request = admitted.world, admitted.principal, admitted.request
    session_id, signature = session_id_of(ask.id), read_signature(ask.body.signature)

    def facts(view: View) -> _Signed:
        session, account = to_end(view, principal, session_id)
        if not is_shown(session):
            return present(None, "session")
        return _Signed(session, account, _ends(session, account, signature))

    signed = await world.store.read(facts)
    if signed.ends:
        session = await sign_revocation(
            world, principal, request, session_id=session_id, signature=signature
        )
        return await answered(admitted.reads, session)
    await world.store.read(lambda view: _expect_grant(admitted, view, signed, signature))
    done = await register(
        world,
        principal,
        request,
        session_id=session_id,
        owner_signature=signature,
        unless=partial(_expect_alone, admitted, signed),
    )
    expect_registered(done)
    return await answered(admitted.reads, done.session)


def _ends(session: Session, account: Account, signature: bytes) -> bool:
    """Say whether *signature* is the owner's over what ends *session*."""
    _, killed = consent_digests(granted(session), account)
    return owner_signature_of(account, killed, signature) is not None


def _expect_grant(admitted: Admitted, view: View, signed: _Signed, signature: bytes) -> None:
    """
    Let pass the owner's signature over the grant, for a key that has no other session.

    Raises:
        Malformed: It is somebody else's, or over something else.
        Conflict: As `_expect_alone`.
    """
    session, account, _ = signed
    grant = granted(session)
    given, killed = consent_digests(grant, account)
    if owner_signature_of(account, given, signature) is None:
        asked = asked_of(admitted.world, view, session)
        digest = given if asked is None else killed
        detail = (
            f"signature: expected one by the owner 0x{account.owner.hex()}"
            f" over 0x{digest.hex()}, got another"
        )
        raise Malformed(Code.MALFORMED_SIGNATURE, detail, field="signature")
    _expect_alone(admitted, signed, view)


def _expect_alone(admitted: Admitted, signed: _Signed, view: View) -> None:
    """
    Let pass a session whose key has no other one, nor one that is on its way to the chain.

    Raises:
        Conflict: It has by now.
    """
    session, account, _ = signed
    key = granted(session).session_key
    if session.state is not State.PENDING:
        return
    expect_new_key(admitted.world, view, account, key)
    for one, _ in states_of(admitted.world, view, account, key):
        if one.id != session.id and is_on_its_way(view, one):
            detail = "address: expected a key without a session on this account, got one that has"
            detail += f" {ids.shown(one.id, ids.SESSION)}, which is on its way to the chain"
            raise Conflict(Code.SESSION_KEY_IN_USE, detail, field="address")


async def _revoke(admitted: Admitted, ask: Ask[Revoke, NoQuery]) -> SessionJson:
    return await _ended(admitted, ask.body, ask.body.player)


async def _revoke_of_player(admitted: Admitted, ask: Ask[Revoke, NoQuery]) -> SessionJson:
    return await _ended(admitted, ask.body, ask.id)


async def _ended(admitted: Admitted, body: Revoke, player: str | None) -> SessionJson:
    world, principal = admitted.world, admitted.principal
    policy_of(body.policy)
    whose = Whose(chain_of(world.chains, body.chain_id), body.account, player)
    is_id = not body.address.startswith("0x")

    def facts(view: View) -> Session:
        if is_id:
            return _by_id(admitted, view, whose, body.address)
        account = account_of(view, principal, whose)
        if account is None:
            raise no_account(whose)
        return session_of_key(world, view, account, read_address(body.address, "address"))

    session = await world.store.read(facts)
    session = await ask_revocation(
        world, principal, admitted.request, session_id=session.id, by_key=not is_id
    )
    return await answered(admitted.reads, session)


def _by_id(admitted: Admitted, view: View, whose: Whose, text: str) -> Session:
    session_id = session_id_of(text, "address")
    session, account = to_end(view, admitted.principal, session_id)
    if not is_shown(session):
        return present(None, "session")
    names_one = whose.account or whose.player
    named = account_of(view, admitted.principal, whose) if names_one else account
    if named is None or named.id != account.id or account.chain != whose.chain:
        detail = f"address: expected a session of that account on that chain, got {text}"
        raise Malformed(Code.MALFORMED_BODY, detail, field="address")
    return session


_revokes = partial(
    Write,
    method="POST",
    who=SECRET_OR_SESSION,
    scope=Scope.SESSIONS_STOP,
    lane=Lane.STOP,
    summary="Ask for the end of a session; its owner signs what nextAction says",
    body=Revoke,
    answer=SessionJson,
)
ROUTES: Final[tuple[Route, ...]] = (
    _revokes(path=f"{PATH}/revoke", handle=_revoke),
    _revokes(path=f"{OF_PLAYER}/revoke", handle=_revoke_of_player),
    Write(
        method="POST",
        path=f"{PATH}/{{session}}/signature",
        who=EVERY_KEY,
        carried_by=PUBLISHABLE,
        scope=Scope.SESSIONS_OPEN,
        lane=Lane.STOP,
        summary="Bring the owner's signature over what nextAction says",
        body=Signature,
        answer=SessionJson,
        handle=_sign,
    ),
)
