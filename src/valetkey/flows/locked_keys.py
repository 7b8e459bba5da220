"""Keys of users, locked by their own clients: left here, and given back to who unlocks them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.activity import Request, request_hash
from valetkey.core.errors import Code, Conflict, Limited
from valetkey.core.ids import Prefix
from valetkey.core.kept_secret import context_of
from valetkey.core.locked_key import (
    MOST_KEYS,
    Lock,
    LockedKey,
    content,
    expect_of_key,
    locked_key_id,
    opened,
    to_sign,
    tried,
    wrong,
)
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.session import Session
from valetkey.flows.gate import expect_write, present
from valetkey.flows.record import admit, begin, expect_still, write_down

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


@dataclass(frozen=True, slots=True)
class LockKey:
    """
    A key that its user's client has encrypted.

    Args:
        address: Of the key, 20 bytes.
        blob: What nobody here can read, at most 4,096 characters.
        proof: 32 bytes that prove later that whoever asks knows what unlocks it.
        signature: By the key, over `to_sign`.
    """

    address: bytes
    lock: Lock
    blob: str
    proof: bytes
    signature: bytes

    def __repr__(self) -> str:
        """Show whose it is, and nothing else."""
        return f"LockKey({self.address.hex()}, {self.lock})"


async def lock_key(world: World, principal: Principal, wanted: LockKey) -> LockedKey:
    """
    Keep a key for the user of a session. What was kept of the same key is replaced.

    Raises:
        Malformed: Something has another form, or the key has not signed it.
        Limited: The user has as many as there may be.
    """
    expect_write(principal)
    kept = SecretBytes(content(wanted.blob, wanted.proof))
    user_id = await world.store.read(lambda view: _user_of(world, view, principal))
    expect_of_key(
        wanted.address, to_sign(user_id, wanted.lock, wanted.blob, wanted.proof), wanted.signature
    )
    id_ = locked_key_id(principal.organization_id, user_id, wanted.address)
    context = context_of(id_, principal.organization_id)
    sealed = await world.vault.seal(kept, context=context)
    made = LockedKey(id_, principal.organization_id, user_id, wanted.address, wanted.lock, sealed)

    def body(tx: Tx) -> LockedKey:
        request = _admitted(world, tx, principal, "lock_key")
        known = tx.find(LockedKey, user_id=user_id, limit=MOST_KEYS)
        if len(known) == MOST_KEYS and id_ not in {one.id for one in known}:
            detail = f"expected at most {MOST_KEYS} keys of one user, got one more"
            raise Limited(Code.QUOTA_EXCEEDED, detail)
        tx.put(made)
        _note(world, tx, (principal, request), made, "key_locked")
        return made

    return await world.store.write(body)


async def locked_key(world: Sight, principal: Principal, *, address: bytes) -> LockedKey:
    """
    Return what is known of a key of the session's user, without the blob.

    Raises:
        NotFound: None such was left here.
    """
    expect_write(principal)
    return await world.store.read(lambda view: _key(world, view, principal, address))


async def unlock_key(
    world: World, principal: Principal, *, address: bytes, proof: bytes
) -> tuple[LockedKey, str]:
    """
    Return the key and its blob to who knows what unlocks it.

    1. the try is counted, durably; 2. the proof is compared; 3. a right one counts as none.

    Raises:
        NotFound: None such was left here.
        Forbidden: ``pin_refused``: the proof is another one.
        Limited: ``pin_locked``: too many wrong ones came today.
    """
    expect_write(principal)
    now = world.clock.now()

    def count(tx: Tx) -> LockedKey:  # 1
        key = _key(world, tx, principal, address)
        request = _admitted(world, tx, principal, "unlock_key")
        counted = tried(key, now=now)
        tx.put(counted)
        _note(world, tx, (principal, request), counted, "key_tried")
        return counted

    key = await world.store.write(count)
    context = context_of(key.id, key.organization_id)
    kept = await world.vault.open(key.sealed, context=context)
    blob = opened(kept.reveal(), proof)  # 2
    if blob is None:
        raise wrong()

    def forgive(tx: Tx) -> LockedKey:  # 3
        fresh = _key(world, tx, principal, address)
        request = _admitted(world, tx, principal, "unlock_key")
        if fresh.sealed != key.sealed:
            raise Conflict(Code.CONFLICT, "the key was locked anew meanwhile; ask again")
        forgiven = replace(fresh, wrong=max(0, fresh.wrong - 1), wrong_since=fresh.wrong_since)
        tx.put(forgiven)
        _note(world, tx, (principal, request), forgiven, "key_unlocked")
        return forgiven

    return await world.store.write(forgive), blob


def _admitted(world: World, tx: Tx, principal: Principal, name: str) -> Request:
    request = Request(world.new_id(Prefix.REQUEST), request_hash(name, principal.subject_id))
    admit(world, tx, principal, request)
    return request


def _user_of(world: Sight, view: View, principal: Principal) -> str:
    expect_still(world, view, principal)
    session = present(view.get(Session, principal.subject_id), "session")
    if session.user_id is None:
        raise Conflict(Code.CONFLICT, "expected the session of a user, got one without")
    return session.user_id


def _key(world: Sight, view: View, principal: Principal, address: bytes) -> LockedKey:
    user_id = _user_of(world, view, principal)
    id_ = locked_key_id(principal.organization_id, user_id, address)
    return present(view.get(LockedKey, id_), "key")


def _note(
    world: World, tx: Tx, who: tuple[Principal, Request], key: LockedKey, action: str
) -> None:
    owner, address = key.organization_id, f"0x{key.address.hex()}"
    activity = begin(world, *who, f"user:{action}", organization_id=owner, subject_id=key.user_id)
    write_down(world, tx, activity, f"user:{action}", address=address, lock=key.lock.value)
