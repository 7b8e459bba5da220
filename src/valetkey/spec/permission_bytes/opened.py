"""A grant over a tree in its open form: with the rules that one run uses, and their proofs."""

from dataclasses import dataclass

from valetkey.spec.permission_bytes.grant import (
    Grant,
    check_meters,
    decode_grant,
    encode_terms,
    skip_terms,
)
from valetkey.spec.permission_bytes.reader import Reader
from valetkey.spec.permission_bytes.rule import Rule, decode_rule, encode_rule
from valetkey.spec.permission_bytes.tree import ProvenRule
from valetkey.spec.permission_bytes.values import HASH_LENGTH, MAX_RULES, GrantFormatError

__all__ = ["OpenGrant", "decode_open_grant", "encode_open_grant"]


@dataclass(frozen=True, slots=True)
class OpenGrant:
    """
    A grant over a tree, and some of its rules.

    Attributes:
        grant: Its root is that of every proof.
        proven: 1 to 255; the calls of the run count them from 0.
    """

    grant: Grant
    proven: tuple[ProvenRule, ...]

    def __post_init__(self) -> None:
        """Refuse rules that are not of this grant."""
        if not 1 <= len(self.proven) <= MAX_RULES:
            raise GrantFormatError(
                f"open form: expected 1 to {MAX_RULES} rules, got {len(self.proven)}"
            )
        for proven in self.proven:
            if proven.root != self.grant.root:
                expected = "none" if self.grant.root is None else self.grant.root.hex()
                raise GrantFormatError(f"proof: expected the root {expected}, got another")
        check_meters(self.rules, self.grant.caps)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that the run brings."""
        return tuple(proven.rule for proven in self.proven)


def encode_open_grant(opened: OpenGrant) -> bytes:
    """Return *opened* as the bytes that a run carries, and whose hash the session key signs."""
    proofs = (bytes((len(proven.proof),)) + b"".join(proven.proof) for proven in opened.proven)
    rules = map(encode_rule, opened.rules)
    count = bytes((len(opened.proven),))
    return encode_terms(opened.grant) + count + b"".join(rules) + b"".join(proofs)


def decode_open_grant(data: bytes) -> OpenGrant:
    """
    Return the grant and the rules that *data* is, all of it.

    Raises:
        GrantFormatError: *data* is not exactly what `encode_open_grant` writes for some of them.
    """
    reader = Reader(data)
    if not skip_terms(reader):
        raise GrantFormatError("open form: expected rules in a tree, got a list")
    terms = data[: reader.at]
    rules = [decode_rule(reader) for _ in range(reader.uint(1))]
    proofs = [tuple(reader.take(HASH_LENGTH) for _ in range(reader.uint(1))) for _ in rules]
    reader.end()
    proven = tuple(ProvenRule(rule, proof) for rule, proof in zip(rules, proofs, strict=True))
    root = proven[0].root if proven else bytes(HASH_LENGTH)
    return OpenGrant(decode_grant(terms + root), proven)
