"""What goes over the signer's socket: one order, one answer, each behind its length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from valetkey.core import errors
from valetkey.core.custody import MAX_MESSAGE_BYTES, Approval, Carried, Order, Purpose, SigningPlan
from valetkey.core.errors import Code, Unavailable, ValetkeyError
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.wallet import Curve, PublicKey

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

__all__ = [
    "MAX_FRAME_BYTES",
    "read_answer",
    "read_frame",
    "read_order",
    "write_answer",
    "write_frame",
    "write_order",
    "write_refusal",
]

MAX_FRAME_BYTES: Final = MAX_MESSAGE_BYTES + 16 * 1024
_LENGTH_BYTES: Final = 4
_KINDS: Final = {
    one.__name__: one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, ValetkeyError)
}


class _Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    wallet_id: str
    generation: int
    purpose: Purpose
    form: str
    digest: bytes
    makes: int


class _Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    activity_id: str
    organization_id: str
    plan: _Plan
    issued_at_ms: int
    expires_at: int


class _Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    curve: Curve
    data: bytes


class _Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    approval: _Approval
    approval_signature: bytes
    curve: Curve
    public_key: _Key | None
    sealed: bytes
    share: bytes | None
    message: bytes
    commitment: bytes


class _Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="carried"):
    signature: bytes
    public_key: _Key | None
    sealed: bytes
    share: bytes | None
    commitment: bytes


class _Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="refused"):
    kind: str
    code: Code
    detail: str


_ORDERS: Final = msgspec.msgpack.Decoder(_Order)
_ANSWERS: Final = msgspec.msgpack.Decoder(_Answer | _Refusal)
_encode: Final = msgspec.msgpack.Encoder().encode


async def read_frame(reader: StreamReader) -> bytes:
    """
    Return the next frame.

    Raises:
        EOFError: The other side has hung up, or sends more than there may be.
    """
    length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES))
    if length > MAX_FRAME_BYTES:
        raise EOFError(f"expected a frame of at most {MAX_FRAME_BYTES} bytes, got {length}")
    return await reader.readexactly(length)


async def write_frame(writer: StreamWriter, frame: bytes) -> None:
    """Send *frame*."""
    writer.write(len(frame).to_bytes(_LENGTH_BYTES) + frame)
    await writer.drain()


def write_order(order: Order) -> bytes:
    """Return *order* as a frame."""
    approval, plan, key = order.approval, order.approval.plan, order.public_key
    return _encode(
        _Order(
            _Approval(
                approval.id,
                approval.activity_id,
                approval.organization_id,
                _Plan(
                    plan.wallet_id,
                    plan.generation,
                    plan.purpose,
                    plan.form,
                    plan.digest,
                    plan.makes,
                ),
                approval.issued_at_ms,
                approval.expires_at,
            ),
            order.approval_signature,
            order.curve,
            None if key is None else _Key(key.curve, key.data),
            order.sealed,
            None if order.share is None else order.share.reveal(),
            order.message,
            order.commitment,
        )
    )


def read_order(frame: bytes) -> Order:
    """
    Return the order that *frame* is.

    Raises:
        msgspec.MsgspecError: It is none.
    """
    told = _ORDERS.decode(frame)
    plan = SigningPlan(**msgspec.structs.asdict(told.approval.plan))
    facts = {**msgspec.structs.asdict(told.approval), "plan": plan}
    return Order(
        approval=Approval(**facts),
        approval_signature=told.approval_signature,
        curve=told.curve,
        public_key=_public_key(told.public_key),
        sealed=told.sealed,
        share=None if told.share is None else SecretBytes(told.share),
        message=told.message,
        commitment=told.commitment,
    )


def write_answer(carried: Carried) -> bytes:
    """Return what was carried out as a frame."""
    key, share = carried.public_key, carried.share
    return _encode(
        _Answer(
            carried.signature,
            None if key is None else _Key(key.curve, key.data),
            carried.sealed,
            None if share is None else share.reveal(),
            carried.commitment,
        )
    )


def write_refusal(refused: ValetkeyError) -> bytes:
    """Return *refused* as a frame."""
    return _encode(_Refusal(type(refused).__name__, refused.code, refused.detail))


def read_answer(frame: bytes) -> Carried:
    """
    Return what was carried out.

    Raises:
        ValetkeyError: What the signer refused, or could not do; ``signer_unavailable`` if *frame*
            is no answer.
    """
    try:
        told = _ANSWERS.decode(frame)
    except msgspec.MsgspecError as error:
        detail = f"expected an answer of the signer, got something else: {error}"
        raise Unavailable(Code.SIGNER_UNAVAILABLE, detail) from None
    if isinstance(told, _Refusal):
        raise _KINDS.get(told.kind, Unavailable)(told.code, told.detail)
    share = None if told.share is None else SecretBytes(told.share)
    key = _public_key(told.public_key)
    return Carried(told.signature, key, told.sealed, share, told.commitment)


def _public_key(key: _Key | None) -> PublicKey | None:
    return None if key is None else PublicKey(key.curve, key.data)
