"""The grant format: rules in a tree, and the runs that bring some of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.spec.grants import FULL, IN_TREE, PLAIN, TREE, WIDE, calls, grants_in_trees
from tools.grant_vectors.samples import annotated
from valetkey.spec import permission_bytes as pb
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Callable

ONE: Final = pb.ProvenRule(PLAIN.rules[0], ())
OPENED: Final = pb.OpenGrant(IN_TREE, TREE.prove([0, 2]))


def root_of(rules: list[bytes]) -> bytes:
    """Return the root over packed rules as the document says it: a second implementation."""
    level = [keccak256(b"\x00" + rule) for rule in rules]
    while len(level) > 1:
        pairs = [sorted(level[at : at + 2]) for at in range(0, len(level), 2)]
        level = [
            keccak256(b"\x01" + pair[0] + pair[1]) if len(pair) == 2 else pair[0] for pair in pairs
        ]
    return level[0]


def cut(packed: bytes) -> list[bytes]:
    """Return packed rules one by one, by their lengths."""
    if not packed:
        return []
    end = 2 + int.from_bytes(packed[:2], "big")
    return [packed[:end], *cut(packed[end:])]


def test_a_root_is_that_of_the_packed_rules() -> None:
    """Leaves over the whole packed rule, children in ascending order, an odd one moves up."""
    rules = cut(annotated("plain")[63:]) + cut(annotated("full")[103:])
    assert len(rules) == 3
    assert TREE.root == root_of(rules) == annotated("tree")[-32:]


@given(grants_in_trees())
def test_every_rule_of_a_tree_is_proven(made: tuple[pb.Grant, pb.RuleTree]) -> None:
    """Each with a proof no deeper than the tree, and all lead to its one root."""
    grant, tree = made
    listed = pb.encode_grant(replace(grant, rules=tree.rules, root=None))
    before = len(pb.encode_grant(grant)) - 32 + 1
    assert tree.root == root_of(cut(listed[before:]))
    proven = tree.prove(range(len(tree.rules)))
    assert tuple(each.rule for each in proven) == tree.rules
    assert {each.root for each in proven} == {tree.root}
    assert max(len(each.proof) for each in proven) == (len(tree.rules) - 1).bit_length()


def test_the_open_form_is_the_bytes_that_the_format_says() -> None:
    """Terms as in the closed form, the rules, then their proofs in the same order."""
    first, second, third = cut(annotated("plain")[63:]) + cut(annotated("full")[103:])
    leaves = [keccak256(b"\x00" + rule) for rule in (first, second)]
    pair = keccak256(b"\x01" + b"".join(sorted(leaves)))
    proofs = b"\x02" + leaves[1] + keccak256(b"\x00" + third) + b"\x01" + pair
    expected = annotated("tree")[:-32] + b"\x02" + first + third + proofs
    assert pb.encode_open_grant(OPENED) == expected
    assert pb.decode_open_grant(expected) == OPENED


@given(grants_in_trees(), st.data())
def test_a_run_over_a_tree_brings_the_rules_that_it_uses(
    made: tuple[pb.Grant, pb.RuleTree], data: st.DataObject
) -> None:
    """Each of them once; the calls count them, and say what they said."""
    grant, tree = made
    asked = data.draw(st.lists(calls(tree.rules), max_size=4))
    run = pb.pack_run(grant, asked, tree)
    opened = pb.decode_open_grant(run.grant)
    assert opened.grant == grant
    assert pb.encode_open_grant(opened) == run.grant
    assert run.grant_hash == keccak256(run.grant) != pb.grant_id(pb.encode_grant(grant))
    brought = pb.decode_calls(opened, run.calls)
    assert [opened.rules[call.rule] for call in brought] == [
        tree.rules[call.rule] for call in asked
    ]
    assert [replace(call, rule=0) for call in brought] == [replace(call, rule=0) for call in asked]
    assert len(opened.rules) == max(1, len({call.rule for call in asked}))


@given(st.lists(calls(FULL.rules), max_size=4))
def test_a_run_over_a_list_carries_the_grant_as_it_is(asked: list[pb.RunCall]) -> None:
    """The session key then signs its id."""
    run = pb.pack_run(FULL, asked)
    assert run == pb.PackedRun(annotated("full"), pb.encode_calls(FULL, asked))
    assert run.grant_hash == pb.grant_id(annotated("full"))


def test_other_rules_under_the_same_calls_are_another_run() -> None:
    """
    What the session key signs says which rules the calls count.

    Were it the id alone, whoever submits a run could bring other rules of the same tree: a call
    that was signed for one token would move another.
    """
    twin = replace(PLAIN.rules[0], target=b"\x99" * 20)
    tree = pb.RuleTree((PLAIN.rules[0], twin))
    grant = replace(IN_TREE, root=tree.root)
    runs = [pb.pack_run(grant, [pb.RunCall(rule, bytes(64))], tree) for rule in (0, 1)]
    assert runs[0].calls == runs[1].calls
    assert runs[0].grant_hash != runs[1].grant_hash


def test_an_inner_node_is_no_rule() -> None:
    """Leaves and nodes are hashed with different first bytes (second preimages)."""
    inner = pb.RuleTree(TREE.rules[:2])
    assert keccak256(b"\x00" + b"".join(sorted(map(pb_leaf, inner.rules)))) != inner.root
    assert pb.ProvenRule(TREE.rules[0], ()).root != inner.root


def pb_leaf(rule: pb.Rule) -> bytes:
    """Return the hash of *rule* as the only leaf of a tree."""
    return pb.RuleTree((rule,)).root


@pytest.mark.parametrize(
    "make",
    [
        lambda: pb.RuleTree(()),
        lambda: pb.RuleTree(WIDE.rules),
        lambda: TREE.prove([3]),
        lambda: TREE.prove([-1]),
        lambda: pb.ProvenRule(WIDE.rules[1], ()),
        lambda: pb.ProvenRule(ONE.rule, (bytes(32),) * 33),
        lambda: pb.ProvenRule(ONE.rule, (bytes(31),)),
        lambda: pb.OpenGrant(IN_TREE, ()),
        lambda: pb.OpenGrant(IN_TREE, TREE.prove([0]) * 256),
        lambda: pb.OpenGrant(IN_TREE, (ONE,)),
        lambda: pb.OpenGrant(PLAIN, (ONE,)),
        lambda: pb.OpenGrant(replace(IN_TREE, caps=(pb.Cap(5),)), TREE.prove([2])),
        lambda: pb.pack_run(IN_TREE, []),
        lambda: pb.pack_run(PLAIN, [], TREE),
        lambda: pb.pack_run(IN_TREE, [], pb.RuleTree(FULL.rules)),
        lambda: pb.pack_run(IN_TREE, [pb.RunCall(3)], TREE),
        lambda: pb.pack_run(IN_TREE, [pb.RunCall(0, value_wei=1)], TREE),
    ],
)
def test_what_is_not_of_the_tree_cannot_be_made(make: Callable[[], object]) -> None:
    """A proof that exists leads to the root, and a run that exists is under its grant."""
    with pytest.raises(pb.GrantFormatError, match="expected"):
        make()


def test_every_other_open_form_is_refused() -> None:
    """No truncation, no trailing byte, no list, no second root, no wide rule, no rule at all."""
    packed = pb.encode_open_grant(OPENED)
    terms = annotated("tree")[:-32]
    wide = b"\x01" + b"\x00\x15\x80" + b"\x22" * 20 + b"\x00"
    rule = cut(annotated("plain")[63:])[0]
    two_roots = b"\x02" + rule + rule + b"\x00" + b"\x01" + bytes(32)
    others = [packed[:end] for end in range(len(packed))]
    others += [packed + b"\x00", annotated("plain"), terms + wide, terms + two_roots]
    others += [terms + b"\x00", terms + b"\x01" + rule + b"\x21" + bytes(33 * 32)]
    for other in others:
        with pytest.raises(pb.GrantFormatError):
            pb.decode_open_grant(other)
