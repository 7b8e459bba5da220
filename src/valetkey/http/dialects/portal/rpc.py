"""What a client asks to be signed, in the words of Ethereum's JSON-RPC."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.signing import SignMessage
from valetkey.core.signable import read_typed_data
from valetkey.flows.send_split import Draft

if TYPE_CHECKING:
    from valetkey.flows.clients import Client

MESSAGES: Final = {"personal_sign": 0, "eth_sign": 1}  # and where among the parameters it stands
TYPED: Final = frozenset({"eth_signTypedData", "eth_signTypedData_v3", "eth_signTypedData_v4"})
SENDS: Final = "eth_sendTransaction"
SIGNS: Final = "eth_signTransaction"
ACCOUNTS: Final = frozenset({"eth_accounts", "eth_requestAccounts"})
UNSUPPORTED: Final = "METHOD_UNSUPPORTED"
CHAIN_ID: Final = "eth_chainId"
METHODS: Final = (*MESSAGES, *sorted(TYPED), SENDS, SIGNS, *sorted(ACCOUNTS), CHAIN_ID)
_ADDRESS_BYTES: Final = 20
_WORD_BITS: Final = 256


def read_params(params: object) -> list[Any]:
    """
    Return the parameters of a call: a list, one object, or either as JSON in a text.

    Raises:
        Malformed: They are none of these.
    """
    if isinstance(params, str):
        try:
            params = json.loads(params)
        except ValueError:
            raise _wrong("params", "JSON", params) from None
    if isinstance(params, list):
        return params
    if isinstance(params, dict):
        return [params]
    raise _wrong("params", "a list or an object", params)


def expect_sender(client: Client, method: str) -> None:
    """
    Let pass a client whose key is its account: for a clone nothing is sent here.

    Raises:
        Malformed: Its account is a clone.
    """
    if client.user.clones is not None:
        detail = f"{method}: expected a client that is not account-abstracted, got one that is"
        raise Malformed(Code.MALFORMED_BODY, detail, id=UNSUPPORTED)


def read_message(method: str, params: list[Any]) -> SignMessage:
    """
    Return the message of ``personal_sign`` or ``eth_sign``: bytes in hex, else the text itself.

    Raises:
        Malformed: There is none.
    """
    at = MESSAGES[method]
    if len(params) <= at or not isinstance(params[at], str):
        raise _wrong(f"params[{at}]", "a message", params[at : at + 1])
    text: str = params[at]
    return SignMessage(_bytes(text, "message") if text.startswith("0x") else text.encode())


def read_typed(params: list[Any]) -> Any:  # noqa: ANN401 - what `sign_split` takes
    """
    Return the typed data of ``eth_signTypedData_v4``: an object, or its JSON in a text.

    Raises:
        Malformed: It is none.
    """
    data = params[-1] if params else None
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except ValueError:
            raise _wrong("params[1]", "typed data", data) from None
    return read_typed_data(data)


def read_draft(params: list[Any]) -> Draft:
    """
    Return the transaction that is asked for.

    Raises:
        Malformed: A field is not what it must be, or it creates a contract.
    """
    found = params[0] if params else None
    if not isinstance(found, dict):
        raise _wrong("params[0]", "a transaction", found)
    to = found.get("to")
    if not isinstance(to, str):
        raise _wrong("to", "the address of an account", to)
    data = found.get("data", found.get("input", "0x"))
    price = _number(found, "gasPrice")
    fee, tip = _number(found, "maxFeePerGas"), _number(found, "maxPriorityFeePerGas")
    return Draft(
        to=_bytes(to, "to", _ADDRESS_BYTES),
        value_wei=_number(found, "value") or 0,
        data=_bytes(data or "0x", "data") if isinstance(data, str) else b"",
        gas_limit=_number(found, "gas", "gasLimit"),
        nonce=_number(found, "nonce"),
        max_fee_wei=price if fee is None else fee,
        priority_fee_wei=price if tip is None else tip,
    )


def _number(found: dict[str, Any], *names: str) -> int | None:
    value = next((found[name] for name in names if found.get(name) is not None), None)
    try:
        if isinstance(value, str):
            value = int(value, 16 if value.startswith("0x") else 10)
    except ValueError:
        raise _wrong(names[0], "a number", value) from None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value.bit_length() > _WORD_BITS:
        raise _wrong(names[0], "a number", value)
    if value < 0:
        raise _wrong(names[0], "a number that is not negative", value)
    return value


def _bytes(text: str, where: str, count: int | None = None) -> bytes:
    try:
        data = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise _wrong(where, "0x and hex digits", text) from None
    if count is not None and len(data) != count:
        raise _wrong(where, f"{count} bytes", f"{len(data)} bytes")
    return data


def _wrong(where: str, expected: str, got: object) -> Malformed:
    return Malformed(Code.MALFORMED_BODY, f"{where}: expected {expected}, got {str(got)[:40]!r}")
