"""A grant, as a value and as bytes. Decoding accepts exactly what encoding writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from valetkey.spec.keccak import keccak256
from valetkey.spec.permission_bytes.reader import Reader
from valetkey.spec.permission_bytes.rule import Rule, decode_rule, encode_rule
from valetkey.spec.permission_bytes.values import (
    ADDRESS_LENGTH,
    HASH_LENGTH,
    MAX_CAPS,
    MAX_RULES,
    Cap,
    GrantFormatError,
    check_length,
    check_uint,
)

__all__ = [
    "Grant",
    "check_meters",
    "decode_grant",
    "encode_grant",
    "encode_terms",
    "grant_id",
    "skip_terms",
]

_VERSION: Final = 1
_KEY_LENGTH_BY_TYPE: Final = {0: 20, 1: 64}
_KEY_TYPE_BY_LENGTH: Final = {length: kind for kind, length in _KEY_LENGTH_BY_TYPE.items()}
_FLAG_RELAYER: Final = 1
_FLAG_TREE: Final = 2
_FLAGS: Final = _FLAG_RELAYER | _FLAG_TREE


@dataclass(frozen=True, slots=True)
class Grant:
    """
    What one session key may do on one account.

    Attributes:
        key: 20 bytes: the address of a secp256k1 key. 64 bytes: x and y of a P-256 key. Not zero.
        salt: Below 2**32; makes an otherwise equal grant another one.
        starts_at: First valid second.
        expires_at: First invalid second; `NEVER_EXPIRES` for none.
        max_calls: At least 1; `NO_CALL_LIMIT` for none.
        rules: 1 to 255; none when they are in a tree.
        caps: At most 8; the first is the cheapest on chain.
        relayer: 20 bytes of the only account that may submit runs, ``None`` for anyone.
        root: 32 bytes, the root of the tree that the rules are in; ``None`` when they are listed.
    """

    key: bytes
    salt: int
    starts_at: int
    expires_at: int
    max_calls: int
    rules: tuple[Rule, ...]
    caps: tuple[Cap, ...] = ()
    relayer: bytes | None = None
    root: bytes | None = None

    def __post_init__(self) -> None:
        """Refuse what does not fit, each part alone and then together."""
        if len(self.key) not in _KEY_TYPE_BY_LENGTH:
            raise GrantFormatError(f"key: expected 20 or 64 bytes, got {len(self.key)}")
        if not any(self.key):
            raise GrantFormatError("key: expected a key, got zeros")
        check_uint("salt", self.salt, 32)
        check_uint("starts_at", self.starts_at, 40)
        check_uint("expires_at", self.expires_at, 40)
        if self.starts_at >= self.expires_at:
            raise GrantFormatError(
                f"expires_at: expected more than starts_at {self.starts_at}, got {self.expires_at}"
            )
        check_uint("max_calls", self.max_calls, 32)
        if self.max_calls == 0:
            raise GrantFormatError("max_calls: expected at least 1, got 0")
        self._check_parts()

    def _check_parts(self) -> None:
        if self.relayer is not None:
            check_length("relayer", self.relayer, ADDRESS_LENGTH)
            if not any(self.relayer):
                raise GrantFormatError("relayer: expected an address or none, got the zero address")
        if len(self.caps) > MAX_CAPS:
            raise GrantFormatError(f"grant: expected at most {MAX_CAPS} caps, got {len(self.caps)}")
        if self.root is not None:
            check_length("root", self.root, HASH_LENGTH)
            if self.rules:
                raise GrantFormatError(f"grant: expected a root alone, got {len(self.rules)} rules")
            return
        if not 1 <= len(self.rules) <= MAX_RULES:
            raise GrantFormatError(f"grant: expected 1 to {MAX_RULES} rules, got {len(self.rules)}")
        check_meters(self.rules, self.caps)


def check_meters(rules: Sequence[Rule], caps: Sequence[Cap]) -> None:
    """
    Refuse meters of *rules* that book to none of *caps*.

    Raises:
        GrantFormatError: There is such a meter.
    """
    highest = max((meter.cap for rule in rules for meter in rule.meters), default=-1)
    if highest >= len(caps):
        raise GrantFormatError(f"meter cap: expected one of {len(caps)} caps, got index {highest}")


def grant_id(grant: bytes) -> bytes:
    """
    Return the 32-byte id on chain of the encoded *grant*.

    Of a grant in its open form this is the hash that the session key signs, not the id.
    """
    return keccak256(grant)


def encode_grant(grant: Grant) -> bytes:
    """Return *grant* as the bytes that its id is the hash of."""
    if grant.root is not None:
        return encode_terms(grant) + grant.root
    return (
        encode_terms(grant) + bytes((len(grant.rules),)) + b"".join(map(encode_rule, grant.rules))
    )


def decode_grant(data: bytes) -> Grant:
    """
    Return the grant that *data* is, all of it.

    Raises:
        GrantFormatError: *data* is not exactly what `encode_grant` writes for some grant.
    """
    reader = Reader(data)
    terms = _decode_terms(reader)
    root = reader.take(HASH_LENGTH) if terms.in_tree else None
    count = 0 if terms.in_tree else reader.uint(1)
    rules = tuple(decode_rule(reader) for _ in range(count))
    reader.end()
    return Grant(
        terms.key,
        *terms.numbers,
        rules=rules,
        caps=terms.caps,
        relayer=terms.relayer,
        root=root,
    )


def encode_terms(grant: Grant) -> bytes:
    """Return what stands before the rules, or before the root, of *grant*."""
    out = bytearray((_VERSION, _KEY_TYPE_BY_LENGTH[len(grant.key)]))
    out += grant.key + grant.salt.to_bytes(4, "big")
    out += (
        grant.starts_at.to_bytes(5, "big")
        + grant.expires_at.to_bytes(5, "big")
        + grant.max_calls.to_bytes(4, "big")
    )
    is_bound, in_tree = grant.relayer is not None, grant.root is not None
    out.append(_FLAG_RELAYER * is_bound | _FLAG_TREE * in_tree)
    out += grant.relayer or b""
    out.append(len(grant.caps))
    for cap in grant.caps:
        out += cap.limit.to_bytes(16, "big") + cap.window_s.to_bytes(4, "big")
    return bytes(out)


def skip_terms(reader: Reader) -> bool:
    """
    Go past what stands before the rules, and say whether they are in a tree.

    Raises:
        GrantFormatError: It is cut off, or of another version, key type or flag.
    """
    return _decode_terms(reader).in_tree


class _Terms(NamedTuple):
    key: bytes
    numbers: tuple[int, int, int, int]  # salt, starts_at, expires_at, max_calls
    relayer: bytes | None
    caps: tuple[Cap, ...]
    in_tree: bool


def _decode_terms(reader: Reader) -> _Terms:
    version, key_type = reader.uint(1), reader.uint(1)
    if version != _VERSION:
        raise GrantFormatError(f"version: expected {_VERSION}, got {version}")
    if key_type not in _KEY_LENGTH_BY_TYPE:
        raise GrantFormatError(f"key type: expected 0 or 1, got {key_type}")
    key = reader.take(_KEY_LENGTH_BY_TYPE[key_type])
    numbers = (reader.uint(4), reader.uint(5), reader.uint(5), reader.uint(4))
    flags = reader.uint(1)
    if flags & ~_FLAGS:
        raise GrantFormatError(f"flags: expected at most {_FLAGS}, got {flags}")
    relayer = reader.take(ADDRESS_LENGTH) if flags & _FLAG_RELAYER else None
    caps = tuple(Cap(reader.uint(16), reader.uint(4)) for _ in range(reader.uint(1)))
    return _Terms(key, numbers, relayer, caps, bool(flags & _FLAG_TREE))
