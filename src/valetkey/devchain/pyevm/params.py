"""What a question's parameters may be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from valetkey.devchain.pyevm.ledger import BLOCK_GAS_LIMIT, Question

if TYPE_CHECKING:
    from collections.abc import Mapping

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_ADDRESS_BYTES = 20
_AUTHORIZATIONS = 16


class InvalidParams(Exception):
    """A parameter has another form than expected."""


def quantity(value: object) -> int:
    """Return the integer in *value*: ``0x1f``, or a plain number as the ``evm_`` methods take."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return int(value, 16)
    raise InvalidParams(f"expected a quantity, got {value!r:.80}")


def data(value: object) -> bytes:
    """Return the bytes in *value*."""
    if isinstance(value, str) and _DATA.fullmatch(value):
        return bytes.fromhex(value[2:])
    raise InvalidParams(f"expected 0x and an even number of hex digits, got {value!r:.80}")


def address(value: object) -> bytes:
    """Return the 20 bytes in *value*."""
    found = data(value)
    if len(found) != _ADDRESS_BYTES:
        raise InvalidParams(f"expected 20 bytes, got {len(found)}")
    return found


def mapping(value: object) -> Mapping[str, Any]:
    """Return *value*, an object."""
    if isinstance(value, dict):
        return value
    raise InvalidParams(f"expected an object, got {value!r:.80}")


def question(value: object) -> Question:
    """Return the call in *value*."""
    fields = mapping(value)
    authorizations = fields.get("authorizationList") or ()
    if not isinstance(authorizations, (list, tuple)) or len(authorizations) > _AUTHORIZATIONS:
        raise InvalidParams(f"expected at most {_AUTHORIZATIONS} authorizations in a list")
    to = fields.get("to")
    gas_limit = fields.get("gas")
    return Question(
        sender=address(fields.get("from") or "0x" + "00" * _ADDRESS_BYTES),
        to=b"" if to is None else address(to),
        value_wei=quantity(fields.get("value") or 0),
        data=data(fields.get("input") or fields.get("data") or "0x"),
        gas_limit=min(
            BLOCK_GAS_LIMIT if gas_limit is None else quantity(gas_limit),
            BLOCK_GAS_LIMIT,
        ),
        authorizations=tuple(_authorization(mapping(entry)) for entry in authorizations),
    )


def _authorization(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "chain_id": quantity(entry.get("chainId")),
        "address": address(entry.get("address")),
        "nonce": quantity(entry.get("nonce")),
        "y_parity": quantity(entry.get("yParity")),
        "r": quantity(entry.get("r")),
        "s": quantity(entry.get("s")),
    }
