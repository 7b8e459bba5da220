"""A new key for a session or a credential, which go on: nobody has to log in again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.credential import Credential
from valetkey.core.errors import Code, Conflict, Forbidden
from valetkey.core.principal import PrincipalKind
from valetkey.core.rotation import check_new_key, thumbprint_of
from valetkey.core.session import Proof, Session
from valetkey.flows.gate import expect_known, expect_reach, expect_secret, present
from valetkey.flows.opening import refuse_shared_key
from valetkey.flows.record import admit, begin, write_down

if TYPE_CHECKING:
    from valetkey.core.activity import Activity, Request
    from valetkey.core.principal import Principal
    from valetkey.core.rotation import NewKey
    from valetkey.core.wallet import PublicKey
    from valetkey.flows.world import World
    from valetkey.ports import Tx


async def rotate_session_key(
    world: World, principal: Principal, request: Request, new: NewKey
) -> Session:
    """
    Return the session that *principal* is, held by a new key; the old one is refused from now on.

    1. signed by the old key; 2. that is still its key, and it is in use; 3. a key that can change;
    4. the new key is there, and nobody else's; 5. changed and written down.

    A token that is bound to the key is bound to the new one from now on.

    Raises:
        Forbidden: It is not signed, or the session is not in use.
        Conflict: The key stands in the grant, or the new one holds a session of another account.
        Malformed: The new key is the old one, or has not signed.
    """
    if principal.kind is not PrincipalKind.SESSION:
        expect_known(principal)
        raise Forbidden(Code.NOT_ALLOWED, "expected the session's own proof, got another")
    _expect_signed(principal)  # 1

    def body(tx: Tx) -> Session:
        session = present(tx.get(Session, principal.subject_id), "session")
        if admit(world, tx, principal, request) is not None:  # 2
            return session
        if session.key is None or session.proof is Proof.CHAIN:  # 3
            detail = "the account's owner signed a grant for this key; open a new session"
            raise Conflict(Code.SESSION_KEY_FIXED, detail)
        check_new_key(session.id, new, old=session.key)  # 4
        rotated = replace(session, key=new.key)
        refuse_shared_key(world, tx, rotated)
        tx.put(rotated)  # 5
        activity = begin(
            world,
            principal,
            request,
            "session:rotate_key",
            organization_id=session.organization_id,
            subject_id=session.id,
        )
        activity = replace(activity, session_id=session.id, account_id=session.account_id)
        _write_down(world, tx, activity, "session:key_rotated", (session.key, new.key))
        return rotated

    return await world.store.write(body)


async def rotate_credential_key(
    world: World, principal: Principal, request: Request, new: NewKey, *, credential_id: str
) -> Credential:
    """
    Return the credential, proven by a new key; the old one is refused from now on.

    Raises:
        Forbidden: It is not signed by the credential itself: others add one, and revoke the old.
        Unauthenticated: It was revoked or changed its key meanwhile.
        Malformed: The new key is the old one, or has not signed.
    """
    expect_secret(principal)

    def body(tx: Tx) -> Credential:
        credential = present(tx.get(Credential, credential_id), "credential")
        expect_reach(tx, principal, credential.organization_id, "credential", widens=True)
        if principal.subject_id != credential.id:
            detail = "expected a request signed by this credential, got one by another"
            raise Forbidden(Code.NOT_ALLOWED, detail)
        _expect_signed(principal)
        if admit(world, tx, principal, request) is not None:
            return credential
        if credential.public_key is None:
            detail = "expected a credential with a key of its own, got an API key"
            raise Conflict(Code.CONFLICT, detail)
        check_new_key(credential.id, new, old=credential.public_key)
        rotated = replace(credential, public_key=new.key)
        tx.put(rotated)
        activity = begin(
            world,
            principal,
            request,
            "credential:rotate_key",
            organization_id=credential.organization_id,
            subject_id=credential.id,
        )
        keys = credential.public_key, new.key
        _write_down(world, tx, activity, "credential:key_rotated", keys)
        return rotated

    return await world.store.write(body)


def _expect_signed(principal: Principal) -> None:
    if principal.request_id is None:
        detail = "expected a request signed by the old key, got a token"
        raise Forbidden(Code.NOT_ALLOWED, detail)


def _write_down(
    world: World, tx: Tx, activity: Activity, event: str, keys: tuple[PublicKey, PublicKey]
) -> None:
    old, new = (thumbprint_of(key) for key in keys)
    write_down(world, tx, activity, event, old_key=old, new_key=new)
