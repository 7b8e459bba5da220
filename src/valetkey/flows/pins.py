"""PINs of wallets: blobs that are stored, factors that are given out so many times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Conflict, Forbidden, Limited, Malformed
from valetkey.core.pin import (
    FACTOR_BYTES,
    MAX_BLOB_CHARS,
    MAX_TRIES,
    PROOF_BYTES,
    PinBlob,
    factor_context,
    is_opened_by,
)
from valetkey.core.scope import Scope
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.wallet import Wallet
from valetkey.flows.gate import expect_reach, expect_scope, present
from valetkey.flows.record import admit, begin, earlier, expect_still, part_of, write_down

if TYPE_CHECKING:
    from valetkey.core.activity import Activity, Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


@dataclass(frozen=True, slots=True)
class SetPin:
    """
    A blob that the client encrypted under a PIN and the factor that was given out for it.

    Args:
        blob: At most 4,096 characters, which nobody here reads.
        proof_hash: 32 bytes.
        tries: 1 to 20.
    """

    blob: str
    proof_hash: bytes
    tries: int


@dataclass(frozen=True, slots=True)
class Tried:
    """The blob, and the factor that was counted before it was given out."""

    pin: PinBlob
    factor: SecretBytes


async def begin_pin(
    world: World, principal: Principal, request: Request, *, wallet_id: str
) -> SecretBytes:
    """
    Return a new factor, for a blob that `set_pin` brings. The blob that is there stays until then.

    The same request gives the same one, until that blob is there or another factor was asked for.

    Raises:
        NotFound, Forbidden: The wallet is not the principal's, or it may not sign with it.
        Conflict: The request was answered before, with a factor that is not the newest any more.
    """

    def known(view: View) -> Wallet:
        expect_still(world, view, principal)
        return _wallet(view, principal, wallet_id)

    wallet = await world.store.read(known)
    factor = SecretBytes(world.entropy.take(FACTOR_BYTES))
    context = factor_context(wallet.organization_id, wallet.id)
    sealed = await world.vault.seal(factor, context=context)

    def body(tx: Tx) -> bytes:
        pin = tx.get(PinBlob, _wallet(tx, principal, wallet_id).id)
        before = admit(world, tx, principal, request)
        if before is not None:
            return _same_coming(pin, before)
        bare = PinBlob(wallet.id, wallet.organization_id, None, None, "", b"", 0, 0)
        begun_by = _note(world, tx, (principal, request), wallet, "pin_begun")
        tx.put(replace(pin or bare, coming_factor=sealed, begun_by=begun_by))
        return sealed

    kept = await world.store.write(body)
    return await world.vault.open(kept, context=context)


async def set_pin(
    world: World, principal: Principal, request: Request, *, wallet_id: str, wanted: SetPin
) -> PinBlob:
    """
    Return the PIN of a wallet with a new blob, all its tries left.

    Raises:
        Malformed: The blob is too long, or the hash or the number of tries is none.
        Conflict: No factor was given out for it.
    """
    _check(wanted)

    def body(tx: Tx) -> PinBlob:
        wallet = _wallet(tx, principal, wallet_id)
        pin = tx.get(PinBlob, wallet.id)
        if admit(world, tx, principal, request) is not None:
            return present(pin, "PIN")
        if pin is None or pin.coming_factor is None:
            detail = "expected a factor that was given out for this blob, got none; begin first"
            raise Conflict(Code.CONFLICT, detail)
        set_by = _note(world, tx, (principal, request), wallet, "pin_set", tries=str(wanted.tries))
        made = replace(
            pin,
            set_by=set_by,
            sealed_factor=pin.coming_factor,
            coming_factor=None,
            blob=wanted.blob,
            proof_hash=wanted.proof_hash,
            tries=wanted.tries,
            tries_left=wanted.tries,
        )
        tx.put(made)
        return made

    return await world.store.write(body)


async def try_pin(world: World, principal: Principal, request: Request, *, wallet_id: str) -> Tried:
    """
    Return the blob and its factor, once the try is counted: durably, before anything is given out.

    The same request is one try of one PIN; of a newer one it is another.

    Raises:
        NotFound: There is no PIN.
        Limited: ``pin_locked``: all tries are used; only a new PIN helps.
    """

    def body(tx: Tx) -> PinBlob:
        wallet = _wallet(tx, principal, wallet_id)
        pin = tx.get(PinBlob, wallet.id)
        if pin is None or pin.sealed_factor is None:
            return present(None, "PIN")
        admit(world, tx, principal, request)
        of_this_pin = part_of(request, pin.set_by)
        if earlier(tx, principal, of_this_pin) is not None:
            return pin
        if pin.tries_left < 1:
            detail = f"expected at most {pin.tries} tries, all are used; set a new PIN"
            raise Limited(Code.PIN_LOCKED, detail)
        counted = replace(pin, tries_left=pin.tries_left - 1)
        tx.put(counted)
        left = str(counted.tries_left)
        _note(world, tx, (principal, of_this_pin), wallet, "pin_tried", left=left)
        return counted

    pin = await world.store.write(body)
    context = factor_context(pin.organization_id, pin.id)
    return Tried(pin, await world.vault.open(pin.sealed_factor or b"", context=context))


async def note_opened(
    world: World, principal: Principal, request: Request, *, wallet_id: str, proof: bytes
) -> PinBlob:
    """
    Return the PIN with all its tries left again: *proof* is of who has opened the blob.

    Raises:
        NotFound: There is no PIN.
        Forbidden: ``pin_refused``: the proof is another one.
    """

    def body(tx: Tx) -> PinBlob:
        wallet = _wallet(tx, principal, wallet_id)
        pin = present(tx.get(PinBlob, wallet.id), "PIN")
        if admit(world, tx, principal, request) is not None:
            return pin
        if not is_opened_by(pin, proof):
            detail = "expected the proof of who has opened the blob, got another"
            raise Forbidden(Code.PIN_REFUSED, detail)
        whole = replace(pin, tries_left=pin.tries)
        tx.put(whole)
        _note(world, tx, (principal, request), wallet, "pin_opened")
        return whole

    return await world.store.write(body)


def _wallet(view: View, principal: Principal, wallet_id: str) -> Wallet:
    expect_scope(principal, Scope.WALLETS_SIGN)
    wallet = present(view.get(Wallet, wallet_id), "wallet")
    expect_reach(view, principal, wallet.organization_id, "wallet", widens=True)
    return wallet


def _same_coming(pin: PinBlob | None, before: Activity) -> bytes:
    if pin is None or pin.coming_factor is None or pin.begun_by != before.id:
        detail = "this was answered before, with a factor that is not the newest; begin again"
        raise Conflict(Code.CONFLICT, detail)
    return pin.coming_factor


def _check(wanted: SetPin) -> None:
    if not 1 <= len(wanted.blob) <= MAX_BLOB_CHARS:
        detail = f"blob: expected 1 to {MAX_BLOB_CHARS} characters, got {len(wanted.blob)}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    if len(wanted.proof_hash) != PROOF_BYTES or not 1 <= wanted.tries <= MAX_TRIES:
        detail = f"expected {PROOF_BYTES} bytes of proof_hash, and 1 to {MAX_TRIES} tries"
        raise Malformed(Code.MALFORMED_BODY, detail)


def _note(
    world: World,
    tx: Tx,
    who: tuple[Principal, Request],
    wallet: Wallet,
    action: str,
    **facts: str,
) -> str:
    """Write down what was done, and return the id of the activity."""
    activity = begin(
        world,
        *who,
        f"wallet:{action}",
        organization_id=wallet.organization_id,
        subject_id=wallet.id,
    )
    write_down(world, tx, activity, f"wallet:{action}", **facts)
    return activity.id
