"""
Accounts of their own: minimal proxies (ERC-1167) whose owner is part of their address (CREATE2).

Described for people in ``docs/reference/grant-format.md``, "Accounts".
"""

from typing import Final

from eth_abi.abi import encode

from valetkey.spec.eip712 import Field, TypedData
from valetkey.spec.keccak import keccak256
from valetkey.spec.permission_bytes import OWNER_SLOT, OwnerState, encode_owner_state

__all__ = [
    "address_of_calldata",
    "clone_address",
    "create2_address",
    "creation_code",
    "deploy_calldata",
    "is_personal_calldata",
    "owner_calldata",
    "runtime_code",
    "transfer_ownership_calldata",
    "transfer_ownership_signed_calldata",
    "transfer_ownership_typed_data",
]

_PERSONAL: Final = 1
_PUSH32: Final = b"\x7f"
_STORE_AND_RETURN: Final = bytes.fromhex("553d602d80604d3d3981f3")
_TRANSFER: Final = {
    "TransferOwnership": (Field("newOwner", "address"), Field("epoch", "uint64")),
}


def runtime_code(implementation: bytes) -> bytes:
    """
    Return the 45 bytes of code of every clone of *implementation*.

    Spec:
        ERC-1167.
    """
    return (
        bytes.fromhex("363d3d373d3d3d363d73")
        + implementation
        + bytes.fromhex("5af43d82803e903d91602b57fd5bf3")
    )


def creation_code(implementation: bytes, owner: bytes, *, personal: bool = False) -> bytes:
    """
    Return the code that makes a clone: it writes the owner, then returns `runtime_code`.

    Args:
        implementation: 20 bytes.
        owner: 20 bytes, the first owner.
        personal: Whether the owner may sign by ``personal_sign`` (EIP-191) too, for ever.
    """
    word = encode_owner_state(OwnerState(owner, takes_personal=personal))
    stored = _PUSH32 + word + _PUSH32 + OWNER_SLOT
    return stored + _STORE_AND_RETURN + runtime_code(implementation)


def clone_address(
    factory: bytes, implementation: bytes, owner: bytes, salt: bytes, *, personal: bool = False
) -> bytes:
    """
    Return the 20 bytes where the account is, or will be.

    Args:
        factory: 20 bytes: the ``CloneFactory``.
        implementation: 20 bytes: what it was made with.
        owner: 20 bytes, the first owner.
        salt: 32 bytes.
        personal: As in `creation_code`.
    """
    return create2_address(factory, salt, creation_code(implementation, owner, personal=personal))


def create2_address(deployer: bytes, salt: bytes, code: bytes) -> bytes:
    """
    Return the 20 bytes where *deployer* makes the contract that *code* creates.

    Spec:
        EIP-1014.
    """
    return keccak256(b"\xff" + deployer + salt + keccak256(code))[12:]


def deploy_calldata(
    owner: bytes, salt: bytes, *, personal: bool = False, act: bytes = b""
) -> bytes:
    """Return the factory's calldata that makes the account if need be and calls it with *act*."""
    values = [owner, _flags(personal=personal), salt, act]
    selector = _selector("deploy(address,uint8,bytes32,bytes)")
    return selector + encode(["address", "uint8", "bytes32", "bytes"], values)


def address_of_calldata(owner: bytes, salt: bytes, *, personal: bool = False) -> bytes:
    """Return the factory's calldata that asks for the account's address."""
    values = [owner, _flags(personal=personal), salt]
    return _selector("addressOf(address,uint8,bytes32)") + encode(
        ["address", "uint8", "bytes32"], values
    )


def owner_calldata() -> bytes:
    """Return the calldata that reads the owner."""
    return _selector("owner()")


def is_personal_calldata() -> bytes:
    """Return the calldata that asks whether the owner may sign by ``personal_sign``."""
    return _selector("isPersonal()")


def transfer_ownership_calldata(new_owner: bytes) -> bytes:
    """Return the calldata with which the owner hands the account on; every session ends."""
    return _selector("transferOwnership(address)") + encode(["address"], [new_owner])


def transfer_ownership_typed_data(
    new_owner: bytes, *, epoch: int, chain_id: int, account: bytes
) -> TypedData:
    """Return what the owner signs so that anyone may submit the change of owner, once."""
    domain = {"name": "valetkey", "version": "1", "chainId": chain_id, "verifyingContract": account}
    message = {"newOwner": new_owner, "epoch": epoch}
    return TypedData(_TRANSFER, "TransferOwnership", domain, message)


def transfer_ownership_signed_calldata(new_owner: bytes, signature: bytes) -> bytes:
    """Return the calldata with which anyone submits the owner's signature over that."""
    return _selector("transferOwnershipSigned(address,bytes)") + encode(
        ["address", "bytes"], [new_owner, signature]
    )


def _flags(*, personal: bool) -> int:
    return _PERSONAL if personal else 0


def _selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:4]
