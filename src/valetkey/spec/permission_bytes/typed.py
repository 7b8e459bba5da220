"""What the owner and the session key sign, as EIP-712 typed data over the domain of one account."""

from typing import Final

from valetkey.spec.eip712 import Field, TypedData, digest
from valetkey.spec.permission_bytes.grant import Grant
from valetkey.spec.permission_bytes.rule import Rule
from valetkey.spec.permission_bytes.values import Constraint

__all__ = [
    "freeze_typed_data",
    "grant_typed_data",
    "revoke_typed_data",
    "run_digest",
    "run_typed_data",
    "unfreeze_typed_data",
]

_ZERO_ADDRESS: Final = bytes(20)
_ZERO_SELECTOR: Final = bytes(4)
_NO_ROOT: Final = bytes(32)


def _fields(text: str) -> tuple[Field, ...]:
    return tuple(Field(name, kind) for kind, name in (part.split(" ") for part in text.split(",")))


_GRANT_TYPES: Final = {
    "Grant": _fields(
        "bytes key,uint32 salt,uint64 epoch,uint40 startsAt,uint40 expiresAt,uint32 maxCalls,"
        "address relayer,Cap[] caps,Rule[] rules,bytes32 rulesRoot"
    ),
    "Cap": _fields("uint128 limit,uint32 window"),
    "Rule": _fields(
        "string kind,address target,bytes4 selector,Meter[] meters,Constraint[] constraints"
    ),
    "Meter": _fields("uint8 argument,uint8 cap"),
    "Constraint": _fields("uint8 argument,string operator,bytes32[] values"),
}
_RUN_TYPES: Final = {"Run": _fields("bytes32 grant,uint32 nonce,uint40 deadline,bytes calls")}
_REVOKE_TYPES: Final = {"Revoke": _fields("bytes32 grant")}
_FREEZE_TYPES: Final = {"Freeze": _fields("bytes32 grant,uint32 sequence")}
_UNFREEZE_TYPES: Final = {"Unfreeze": _fields("bytes32 grant,uint32 sequence")}


def grant_typed_data(grant: Grant, *, epoch: int, chain_id: int, account: bytes) -> TypedData:
    """
    Return what the owner signs to give *grant*.

    Args:
        grant: The whole of it is spelled out, so one signed text means one grant id. Of rules in a
            tree only the root is.
        epoch: The account's epoch now; another one at the time of enabling refuses the signature.
        chain_id: Of the one chain where it holds.
        account: 20 bytes.
    """
    message: dict[str, object] = {
        "key": grant.key,
        "salt": grant.salt,
        "epoch": epoch,
        "startsAt": grant.starts_at,
        "expiresAt": grant.expires_at,
        "maxCalls": grant.max_calls,
        "relayer": grant.relayer or _ZERO_ADDRESS,
        "caps": [{"limit": cap.limit, "window": cap.window_s} for cap in grant.caps],
        "rules": [_rule_message(rule) for rule in grant.rules],
        "rulesRoot": grant.root or _NO_ROOT,
    }
    return TypedData(_GRANT_TYPES, "Grant", _domain(chain_id, account), message)


def revoke_typed_data(grant_id: bytes, *, chain_id: int, account: bytes) -> TypedData:
    """Return what the owner or the session key signs to end the grant; it holds for ever."""
    return TypedData(_REVOKE_TYPES, "Revoke", _domain(chain_id, account), {"grant": grant_id})


def freeze_typed_data(
    grant_id: bytes, sequence: int, *, chain_id: int, account: bytes
) -> TypedData:
    """Return what the owner signs to freeze the grant while its freeze sequence is *sequence*."""
    return TypedData(
        _FREEZE_TYPES,
        "Freeze",
        _domain(chain_id, account),
        {"grant": grant_id, "sequence": sequence},
    )


def unfreeze_typed_data(
    grant_id: bytes, sequence: int, *, chain_id: int, account: bytes
) -> TypedData:
    """Return what the owner signs to unfreeze the grant while its freeze sequence is *sequence*."""
    return TypedData(
        _UNFREEZE_TYPES,
        "Unfreeze",
        _domain(chain_id, account),
        {"grant": grant_id, "sequence": sequence},
    )


def run_typed_data(
    grant_hash: bytes, calls: bytes, *, nonce: int, deadline: int, chain_id: int, account: bytes
) -> TypedData:
    """
    Return what the session key signs to make *calls*.

    Args:
        grant_hash: 32 bytes over the grant as the run carries it: its id, or over the open form, so
            that nobody can exchange the rules which the calls count.
        calls: Packed, as `pack_run` gives them.
        nonce: The lowest unused one, or up to 30 above it.
        deadline: First second at which the run is no longer accepted.
        chain_id: Of the one chain where it holds.
        account: 20 bytes.
    """
    message = {"grant": grant_hash, "nonce": nonce, "deadline": deadline, "calls": calls}
    return TypedData(_RUN_TYPES, "Run", _domain(chain_id, account), message)


def run_digest(
    grant_hash: bytes, calls: bytes, *, nonce: int, deadline: int, chain_id: int, account: bytes
) -> bytes:
    """Return the 32 bytes that the session key signs, for the arguments of `run_typed_data`."""
    return digest(
        run_typed_data(
            grant_hash, calls, nonce=nonce, deadline=deadline, chain_id=chain_id, account=account
        )
    )


def _domain(chain_id: int, account: bytes) -> dict[str, object]:
    return {"name": "valetkey", "version": "1", "chainId": chain_id, "verifyingContract": account}


def _rule_message(rule: Rule) -> dict[str, object]:
    return {
        "kind": rule.kind.value,
        "target": rule.target,
        "selector": rule.selector or _ZERO_SELECTOR,
        "meters": [{"argument": meter.argument, "cap": meter.cap} for meter in rule.meters],
        "constraints": [_constraint_message(constraint) for constraint in rule.constraints],
    }


def _constraint_message(constraint: Constraint) -> dict[str, object]:
    return {
        "argument": constraint.argument,
        "operator": constraint.operator.value,
        "values": [value.to_bytes(32, "big") for value in constraint.values],
    }
