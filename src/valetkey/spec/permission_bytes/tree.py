"""Rules in a Merkle tree: the grant keeps the root, a run brings the rules that it uses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from valetkey.spec.keccak import keccak256
from valetkey.spec.permission_bytes.rule import Rule, encode_rule
from valetkey.spec.permission_bytes.values import (
    HASH_LENGTH,
    MAX_PROOF,
    GrantFormatError,
    check_length,
)

__all__ = ["ProvenRule", "RuleTree", "leaf", "node"]

# No rule can be read as two children, nor two children as a rule.
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def leaf(rule: Rule) -> bytes:
    """Return the 32-byte hash of *rule* as a leaf."""
    return keccak256(_LEAF + encode_rule(rule))


def node(one: bytes, other: bytes) -> bytes:
    """Return the 32-byte hash over two children; which of them comes first makes no difference."""
    return keccak256(_NODE + min(one, other) + max(one, other))


@dataclass(frozen=True, slots=True)
class ProvenRule:
    """
    A rule of a tree with its proof.

    Attributes:
        rule: Not a wide one: the account would not see the rules that are more specific.
        proof: At most 32 siblings of 32 bytes, from the leaf up.
    """

    rule: Rule
    proof: tuple[bytes, ...]

    def __post_init__(self) -> None:
        """Refuse what does not fit."""
        _check_narrow(self.rule)
        if len(self.proof) > MAX_PROOF:
            raise GrantFormatError(
                f"proof: expected at most {MAX_PROOF} siblings, got {len(self.proof)}"
            )
        for sibling in self.proof:
            check_length("sibling", sibling, HASH_LENGTH)

    @property
    def root(self) -> bytes:
        """The root of the one tree that the proof belongs to."""
        at = leaf(self.rule)
        for sibling in self.proof:
            at = node(at, sibling)
        return at


@dataclass(frozen=True, slots=True)
class RuleTree:
    """
    All rules of a grant that keeps only their root.

    Attributes:
        rules: At least one, none wide. Their order is part of the root.
    """

    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        """Refuse what does not fit."""
        if not self.rules:
            raise GrantFormatError("tree: expected at least 1 rule, got 0")
        for rule in self.rules:
            _check_narrow(rule)

    @property
    def root(self) -> bytes:
        """The 32 bytes that a grant over these rules keeps."""
        return _levels(self.rules)[-1][0]

    def prove(self, indexes: Sequence[int]) -> tuple[ProvenRule, ...]:
        """
        Return the rules at *indexes*, each with its proof, in the same order.

        Raises:
            GrantFormatError: There is no rule at one of them.
        """
        levels = _levels(self.rules)
        return tuple(self._prove(levels, index) for index in indexes)

    def _prove(self, levels: list[list[bytes]], index: int) -> ProvenRule:
        if not 0 <= index < len(self.rules):
            raise GrantFormatError(f"rule: expected below {len(self.rules)}, got {index}")
        proof = []
        for depth, level in enumerate(levels[:-1]):
            sibling = index >> depth ^ 1
            if sibling < len(level):  # a last one without a neighbour moves up as it is
                proof.append(level[sibling])
        return ProvenRule(self.rules[index], tuple(proof))


def _check_narrow(rule: Rule) -> None:
    if rule.kind.is_wide:
        raise GrantFormatError(f"tree: expected rules that are not wide, got {rule.kind.value!r}")


def _levels(rules: Sequence[Rule]) -> list[list[bytes]]:
    """Return the hashes of each level, from the leaves up to the root alone."""
    levels = [[leaf(rule) for rule in rules]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = [node(*below[at : at + 2]) for at in range(0, len(below) - 1, 2)]
        levels.append(pairs + below[len(below) & ~1 :])
    return levels
