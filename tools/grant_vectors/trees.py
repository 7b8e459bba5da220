"""Vectors of rules in trees: roots, proofs, and the open form that a run carries."""

from __future__ import annotations

from typing import Final

from tools.grant_vectors.json_form import Json, hexed
from tools.grant_vectors.samples import OTHER, TOKEN, annotated, samples, tree_of
from valetkey.spec.keccak import keccak256
from valetkey.spec.permission_bytes import (
    Grant,
    OpenGrant,
    ProvenRule,
    Rule,
    RuleKind,
    RuleTree,
    encode_grant,
    encode_open_grant,
    grant_id,
)
from valetkey.spec.permission_bytes.rule import encode_rule
from valetkey.spec.permission_bytes.tree import leaf

_SIZES: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 33)
_BROUGHT: Final = ((0,), (8,), (0, 1), (7, 3, 8), tuple(range(9)))


def build() -> dict[str, list[Json]]:
    """Return the vectors."""
    return {
        "trees": [_tree_vector(tree_of(size)) for size in _SIZES],
        "open_forms": [_open_vector(brought) for brought in _BROUGHT],
        "malformed_open_forms": [
            {"why": why, "open_form": hexed(form)} for why, form in malformed_open_forms().items()
        ],
    }


def _tree_vector(tree: RuleTree) -> Json:
    proven = tree.prove(range(len(tree.rules)))
    return {
        "rules": [hexed(encode_rule(rule)) for rule in tree.rules],
        "leaves": [hexed(leaf(rule)) for rule in tree.rules],
        "root": hexed(tree.root),
        "proofs": [[hexed(sibling) for sibling in each.proof] for each in proven],
    }


def _nine() -> tuple[Grant, RuleTree]:
    sample = samples()["tree_of_nine"]
    if sample.tree is None:
        raise LookupError("tree_of_nine: expected a tree, got none")
    return sample.grant, sample.tree


def _open_vector(brought: tuple[int, ...]) -> Json:
    grant, tree = _nine()
    closed, opened = encode_grant(grant), encode_open_grant(OpenGrant(grant, tree.prove(brought)))
    return {
        "grant": hexed(closed),
        "id": hexed(grant_id(closed)),
        "brought": list(brought),
        "open_form": hexed(opened),
        "signed_grant": hexed(keccak256(opened)),
    }


def malformed_open_forms() -> dict[str, bytes]:
    """Return every malformed open form by what is wrong with it."""
    grant, tree = _nine()
    terms = encode_grant(grant)[:-32]
    first, second = tree.prove([0, 1])
    good = encode_open_grant(OpenGrant(grant, (first, second)))
    rules = [encode_rule(each.rule) for each in (first, second)]
    proofs = [_packed_proof(each) for each in (first, second)]
    wide = [
        encode_rule(rule) for rule in (Rule(RuleKind.ANY_SELECTOR, OTHER), Rule(RuleKind.ANY_CALL))
    ]
    other_cap = rules[0][:-1] + b"\x02"
    deep = bytes((33,)) + bytes(33 * 32)
    return {
        "no rule": terms + b"\0",
        "a list under the flag of a tree": terms + b"\x01" + rules[0],
        "a listed grant": annotated("plain"),
        "any selector in a tree": terms + b"\x01" + wide[0] + b"\0",
        "any call in a tree": terms + b"\x01" + wide[1] + b"\0",
        "two roots": terms + b"\x02" + rules[0] + rules[1] + proofs[0] + b"\0",
        "the proofs in the other order": terms + b"\x02" + b"".join(rules + proofs[::-1]),
        "a proof too few": terms + b"\x02" + b"".join(rules) + proofs[0],
        "a proof too many": good + proofs[0],
        "a proof deeper than 32": terms + b"\x01" + rules[0] + deep,
        "a meter on a cap that the grant does not have": terms + b"\x01" + other_cap + proofs[0],
        "a rule without a target": terms
        + b"\x01"
        + rules[0].replace(b"\x01" * 20, bytes(20))
        + proofs[0],
        "a trailing byte": good + b"\0",
        "without the last byte": good[:-1],
        "an inner node in place of a rule": terms + b"\x01" + _inner(first, second) + proofs[0][:1],
        "the target of another rule": good.replace(b"\x01" * 20, TOKEN),
    }


def _packed_proof(proven: ProvenRule) -> bytes:
    return bytes((len(proven.proof),)) + b"".join(proven.proof)


def _inner(one: ProvenRule, other: ProvenRule) -> bytes:
    """Return two children where a rule is expected (a second preimage, were they hashed alike)."""
    children = sorted((leaf(one.rule), leaf(other.rule)))
    return b"".join(children)
