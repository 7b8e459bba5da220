"""The signer itself: what runs in a process of its own, and in tests in this one."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from valetkey.adapters.signer.approvals import Approvals
from valetkey.adapters.signer.frost import add_up, half_sign
from valetkey.adapters.signer.scalars import draw, public_key_of, sign
from valetkey.core.custody import Carried, Purpose, frost_context, share_context, wrong_share
from valetkey.core.errors import Code, Forbidden, Unavailable
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.wallet import Curve, address_of
from valetkey.spec.keys import verify
from valetkey.spec.rfc9591_commit import WORD_BYTES
from valetkey.spec.secp256k1 import CurveError, recover_address
from valetkey.spec.shamir import ORDERS, Point, ShareError, join, on_line, slope_through

if TYPE_CHECKING:
    from valetkey.core.custody import Order
    from valetkey.core.wallet import PublicKey
    from valetkey.ports import Clock, Entropy, Vault

__all__ = ["LocalSigner"]

_DIGEST_BYTES: Final = 32
_CURVES: Final = frozenset({Curve.SECP256K1, Curve.ED25519})
_PLACE: Final = b"valetkey recovery place\0"


class LocalSigner:
    """
    The `Signer` port, in the process that it is in.

    Args:
        vault: Opens and seals the server's shares.
        approver: Whose approvals it takes.
    """

    def __init__(
        self, vault: Vault, approver: PublicKey, *, clock: Clock, entropy: Entropy
    ) -> None:
        self._vault = vault
        self._approvals = Approvals(approver, clock)
        self._entropy = entropy

    async def carry_out(self, order: Order) -> Carried:
        """
        See `Signer.carry_out`.

        1. approved; 2. the server's share opens for that wallet, key and generation; 3. both join
        to the wallet's key; 4. what was asked for. FROST stops at 2.: nothing is joined.
        """
        self._approvals.use(order)  # 1
        purpose = order.approval.plan.purpose
        if order.curve not in _CURVES:
            raise _unfit(f"a curve among {sorted(_CURVES)}", order.curve)
        if purpose is Purpose.CREATE:
            secret = draw(order.curve, self._entropy, but=(0,))
            return await self._line(order, public_key_of(order.curve, secret), secret)
        if order.public_key is None or order.public_key.curve is not order.curve:
            raise _unfit("the wallet's public key", "another")
        if purpose is Purpose.AGGREGATE:
            return await self._sum(order, order.public_key)
        ours = await self._open(order)  # 2
        if purpose is Purpose.FROST:
            return await self._half(order, order.public_key, ours)
        if purpose is Purpose.EJECT:
            return Carried(share=SecretBytes(ours.to_bytes()))
        return await self._join(order, order.public_key, ours)

    async def _join(self, order: Order, public_key: PublicKey, ours: Point) -> Carried:
        theirs, secret = _joined(order, ours)  # 3
        match order.approval.plan.purpose:  # 4
            case Purpose.SIGN:
                return Carried(signature=_signed(order, secret))
            case Purpose.BACK_UP:
                return Carried(share=_recovery(order, ours, theirs, secret))
            case Purpose.REFRESH | Purpose.RECOVER:
                return await self._line(order, public_key, secret)
        return Carried()

    async def check(self) -> None:
        """See `Signer.check`."""

    async def close(self) -> None:
        """See `Signer.close`."""

    async def _open(self, order: Order) -> Point:
        approval, plan, public_key = order.approval, order.approval.plan, order.public_key
        if public_key is None:
            raise _unfit("the wallet's public key", "none")
        context = share_context(
            approval.organization_id, plan.wallet_id, public_key, plan.generation
        )
        opened = await self._vault.open(order.sealed, context=context)
        try:
            return Point.from_bytes(opened.reveal(), order=ORDERS[order.curve])
        except ShareError as error:
            raise Unavailable(Code.VAULT_REFUSED, str(error)) from None

    async def _half(self, order: Order, public_key: PublicKey, ours: Point) -> Carried:
        """Return the server's half of a signature, sealed: neither nonces nor key are kept."""
        if public_key.curve is not Curve.ED25519:
            raise _unfit("a key of ed25519", public_key.curve)
        randomness = (self._entropy.take(WORD_BYTES), self._entropy.take(WORD_BYTES))
        half = half_sign(public_key.data, ours, order, randomness)
        context = frost_context(order.approval, public_key)
        sealed = await self._vault.seal(half.kept, context=context)
        return Carried(sealed=sealed, commitment=half.commitment)

    async def _sum(self, order: Order, public_key: PublicKey) -> Carried:
        """Return the signature of the half that was sealed for this plan, and the client's."""
        context = frost_context(order.approval, public_key)
        kept = await self._vault.open(order.sealed, context=context)
        return Carried(signature=add_up(kept, order.message))

    async def _line(self, order: Order, public_key: PublicKey, secret: int) -> Carried:
        """Return the shares of a new line through *secret*."""
        curve, approval, plan = order.curve, order.approval, order.approval.plan
        slope = draw(curve, self._entropy)
        first = draw(curve, self._entropy, but=(0,))
        second = draw(curve, self._entropy, but=(0, first))
        ours, theirs = (on_line(secret, slope, x, order=ORDERS[curve]) for x in (first, second))
        context = share_context(approval.organization_id, plan.wallet_id, public_key, plan.makes)
        sealed = await self._vault.seal(SecretBytes(ours.to_bytes()), context=context)
        return Carried(public_key=public_key, sealed=sealed, share=SecretBytes(theirs.to_bytes()))


def _joined(order: Order, ours: Point) -> tuple[Point, int]:
    """Return the other share, and the secret if it is the wallet's key."""
    modulus = ORDERS[order.curve]
    try:
        given = order.share or SecretBytes(b"")
        theirs = Point.from_bytes(given.reveal(), order=modulus)
        secret = join(ours, theirs, order=modulus)
    except ShareError:
        raise wrong_share() from None
    expected = order.public_key.data if order.public_key else b""
    if not hmac.compare_digest(public_key_of(order.curve, secret).data, expected):
        raise wrong_share()
    return theirs, secret


def _signed(order: Order, secret: int) -> bytes:
    """Return the signature, seen to be good: one with a fault in it would give the key away."""
    if order.curve is Curve.SECP256K1 and len(order.message) != _DIGEST_BYTES:
        raise _unfit(f"a digest of {_DIGEST_BYTES} bytes", f"{len(order.message)} bytes")
    signature = sign(order.curve, secret, order.message)
    if order.public_key is None or not _is_good(order.public_key, order.message, signature):
        detail = "expected a signature that verifies, got another; the machine may be faulty"
        raise Unavailable(Code.SIGNER_UNAVAILABLE, detail)
    return signature


def _is_good(public_key: PublicKey, message: bytes, signature: bytes) -> bool:
    if public_key.curve is Curve.ED25519:
        return verify(public_key, message, signature)
    try:
        signer = recover_address(message, signature[:64] + bytes((signature[64] + 27,)))
    except CurveError:
        return False
    return signer == address_of(public_key)


def _recovery(order: Order, ours: Point, theirs: Point, secret: int) -> SecretBytes:
    """
    Return the third share of the line, always the same one: two of them would be a key.

    Its place follows from the server's share, which nobody else has.
    """
    modulus = ORDERS[order.curve]
    x, count = 0, 0
    while x in {0, ours.x, theirs.x}:
        seed = _PLACE + count.to_bytes(4) + ours.to_bytes()
        x, count = int.from_bytes(hashlib.sha512(seed).digest()) % modulus, count + 1
    slope = slope_through(ours, theirs, order=modulus)
    return SecretBytes(on_line(secret, slope, x, order=modulus).to_bytes())


def _unfit(expected: str, got: str) -> Forbidden:
    return Forbidden(Code.APPROVAL_REFUSED, f"expected {expected}, got {got}")
