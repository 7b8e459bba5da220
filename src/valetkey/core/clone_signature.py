"""Signatures as an account that a factory makes: nested in its domain, good before it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.signing import SignMessage, SignTypedData
from valetkey.spec import erc6492, erc7739
from valetkey.spec.clone import clone_address, deploy_calldata

if TYPE_CHECKING:
    from valetkey.core.wallet import Clones
    from valetkey.spec.eip712 import TypedData

_NESTED: Final = "TypedDataSign"
_SALT: Final = bytes(32)  # one account for each owner


def clone_of(owner: bytes, clones: Clones) -> bytes:
    """Return the 20 bytes where the account of *owner* (20 bytes) is, or will be."""
    return clone_address(clones.factory, clones.implementation, owner, _SALT)


def nested(wanted: SignMessage | SignTypedData, *, account: bytes, chain_id: int) -> TypedData:
    """
    Return what the owner signs so that *account* has signed *wanted*.

    Raises:
        Malformed: A type of *wanted* has the name of the structure in which it is nested.

    Spec:
        ERC-7739; the account's domain as docs/reference/grant-format.md has it.
    """
    domain = {
        "name": "valetkey",
        "version": "1",
        "chainId": chain_id,
        "verifyingContract": account,
    }
    if isinstance(wanted, SignMessage):
        return erc7739.personal_typed_data(wanted.data, account=domain)
    if _NESTED in wanted.typed.types:
        raise Malformed(Code.MALFORMED_BODY, f"typed_data: expected no type called {_NESTED}")
    return erc7739.nested_typed_data(wanted.typed, account=domain)


def as_clone(
    wanted: SignMessage | SignTypedData,
    signature: bytes,
    *,
    owner: bytes,
    clones: Clones,
    is_made: bool,
) -> bytes:
    """
    Return what an app hands to its verifier, from the owner's signature over `nested`.

    Args:
        signature: 65 bytes: r, s, v (27 or 28).
        is_made: Whether the account is on the chain; if not, what makes it goes along (ERC-6492).
    """
    if isinstance(wanted, SignTypedData):
        signature = erc7739.wrap_signature(wanted.typed, signature)
    if is_made:
        return signature
    deploys = deploy_calldata(owner, _SALT)
    return erc6492.wrap_signature(signature, factory=clones.factory, deploys=deploys)
