"""The published list of value-moving selectors."""

from __future__ import annotations

from functools import reduce
from operator import xor

import pytest
from eth_utils.abi import function_signature_to_4byte_selector

from tools.write_value_moving import PAGE, render
from valetkey.spec.permission_bytes.value_moving import VALUE_MOVING, VALUE_MOVING_GROUPS

# ERC-165 ids are the exclusive or of an interface's selectors; what only reads is not in the list.
PUBLISHED = {
    "ERC-173": (0x7F5828D0, ("owner()",), ("transferOwnership(address)",)),
    "ERC-721": (
        0x80AC58CD,
        (
            "balanceOf(address)",
            "ownerOf(uint256)",
            "getApproved(uint256)",
            "isApprovedForAll(address,address)",
        ),
        (
            "approve(address,uint256)",
            "setApprovalForAll(address,bool)",
            "transferFrom(address,address,uint256)",
            "safeTransferFrom(address,address,uint256)",
            "safeTransferFrom(address,address,uint256,bytes)",
        ),
    ),
    "ERC-1155": (
        0xD9B67A26,
        (
            "balanceOf(address,uint256)",
            "balanceOfBatch(address[],uint256[])",
            "isApprovedForAll(address,address)",
        ),
        (
            "setApprovalForAll(address,bool)",
            "safeTransferFrom(address,address,uint256,uint256,bytes)",
            "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
        ),
    ),
    "ERC-1363": (
        0xB0202A11,
        (),
        (
            "transferAndCall(address,uint256)",
            "transferAndCall(address,uint256,bytes)",
            "transferFromAndCall(address,address,uint256)",
            "transferFromAndCall(address,address,uint256,bytes)",
            "approveAndCall(address,uint256)",
            "approveAndCall(address,uint256,bytes)",
        ),
    ),
    "ERC-6909": (
        0x0F632FB3,
        (
            "balanceOf(address,uint256)",
            "allowance(address,address,uint256)",
            "isOperator(address,address)",
        ),
        (
            "transfer(address,uint256,uint256)",
            "transferFrom(address,address,uint256,uint256)",
            "approve(address,uint256,uint256)",
            "setOperator(address,bool)",
        ),
    ),
}


def test_every_selector_is_that_of_its_function() -> None:
    """A wrong selector would leave its function open under a wide rule."""
    assert VALUE_MOVING
    for selector, function in VALUE_MOVING.items():
        assert function_signature_to_4byte_selector(function) == selector


def test_the_list_is_sorted_and_names_each_function_once() -> None:
    """The contract searches the same order, and no two functions share a selector."""
    assert list(VALUE_MOVING) == sorted(VALUE_MOVING)
    named = [function for group in VALUE_MOVING_GROUPS for function in group.functions]
    assert sorted(VALUE_MOVING.values()) == sorted(named)


@pytest.mark.parametrize("standard", sorted(PUBLISHED))
def test_every_moving_function_of_a_standard_is_in_the_list(standard: str) -> None:
    """Its published interface id is made of the list's selectors and those that only read."""
    published, reading, moving = PUBLISHED[standard]
    selector_of = {function: selector for selector, function in VALUE_MOVING.items()}
    reads = [function_signature_to_4byte_selector(function) for function in reading]
    moves = [selector_of[function] for function in moving]
    assert reduce(xor, (int.from_bytes(each, "big") for each in reads + moves)) == published


def test_the_page_is_the_list() -> None:
    """`python tools/write_value_moving.py --write` brings it up to date."""
    assert PAGE.read_text() == render()
