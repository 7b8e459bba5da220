"""A run before it is signed: the grant as it travels, and the calls that count its rules."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from valetkey.spec.keccak import keccak256
from valetkey.spec.permission_bytes.calls import RunCall, encode_calls
from valetkey.spec.permission_bytes.grant import Grant, encode_grant
from valetkey.spec.permission_bytes.opened import OpenGrant, encode_open_grant
from valetkey.spec.permission_bytes.tree import RuleTree
from valetkey.spec.permission_bytes.values import GrantFormatError

__all__ = ["PackedRun", "pack_run"]


@dataclass(frozen=True, slots=True)
class PackedRun:
    """
    What a run says, without nonce, deadline and signatures.

    Attributes:
        grant: As the run carries it: in its open form if its rules are in a tree.
        calls: Packed; they count the rules that the run brings.
    """

    grant: bytes
    calls: bytes

    @property
    def grant_hash(self) -> bytes:
        """The 32 bytes that the session key signs for the grant and the rules brought."""
        return keccak256(self.grant)


def pack_run(grant: Grant, calls: Sequence[RunCall], tree: RuleTree | None = None) -> PackedRun:
    """
    Return *calls* under *grant*, ready to be signed and carried.

    Over a tree the run brings each rule that a call uses once, in the order of the tree, and the
    calls count those; a run without calls brings the first. So the same calls are always the same
    bytes.

    Args:
        grant: As the owner signed it.
        calls: Each counts all rules: those listed, or those of *tree*.
        tree: All rules of a grant that keeps only their root.

    Raises:
        GrantFormatError: *tree* is not that of *grant*, a call names no rule, or it brings what
            its rule has no room for.
    """
    if grant.root is None:
        if tree is not None:
            raise GrantFormatError("run: expected no tree for listed rules, got one")
        return PackedRun(encode_grant(grant), encode_calls(grant, calls))
    if tree is None:
        raise GrantFormatError("run: expected the tree of the grant's rules, got none")
    used = sorted({call.rule for call in calls}) or [0]
    opened = OpenGrant(grant, tree.prove(used))
    counted = [replace(call, rule=used.index(call.rule)) for call in calls]
    return PackedRun(encode_open_grant(opened), encode_calls(opened, counted))
