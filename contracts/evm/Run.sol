// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {GrantBytes} from "./GrantBytes.sol";
import {Read} from "./Read.sol";

/// @title What stays the same for all calls of a run
/// @dev Where in memory the facts of the one run that a frame makes lie, and behind them the plan of its calls: at fixed
/// places, because a place that is kept in a variable costs 6 more at each use. Free memory begins at 0x80 when a frame
/// begins; contracts/build.mjs refuses code of which that is not so.
library Run {
    uint256 private constant CALLS_END = 0x80;
    uint256 private constant HEADER = 0xa0;
    uint256 private constant CAPS = 0xc0;
    uint256 private constant RULES = 0xe0;
    uint256 private constant SLOT = 0x100;
    uint256 private constant STATE = 0x120;
    uint256 private constant ROOT = 0x140;
    uint256 private constant FORBIDDEN = 0x160;
    /// @dev The plan takes what it needs from here on: it is made when nothing else in memory is needed any more.
    uint256 internal constant PLAN = 0x180;

    /// @notice Takes memory for the facts of a run.
    function make() internal pure {
        assembly ("memory-safe") {
            mstore(0x40, PLAN)
        }
    }

    /// @notice Keeps what is in calldata.
    /// @param end Where the calls end.
    /// @param head The grant's header.
    /// @param caps Where the number of caps stands; the number of rules stands behind the last cap.
    function setGrant(uint256 end, uint256 head, uint256 caps) internal pure {
        uint256 rules = GrantBytes.rulesAt(caps);
        assembly ("memory-safe") {
            mstore(CALLS_END, end)
            mstore(HEADER, head)
            mstore(CAPS, add(caps, 1))
            mstore(RULES, rules)
        }
    }

    /// @notice Keeps where the state of the grant is, and what it says.
    function setSlot(uint256 slot, uint256 word) internal pure {
        assembly ("memory-safe") {
            mstore(SLOT, slot)
            mstore(STATE, word)
        }
    }

    /// @notice The number of the call whose plan stands at `at`. Only errors need it, so no loop counts.
    function indexOf(uint256 at) internal pure returns (uint256) {
        unchecked {
            return (at - PLAN) >> 6;
        }
    }

    /// @notice The native value of the call whose plan stands at `at`.
    function valueAt(uint256 at) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(128, mload(add(at, 0x20)))
        }
    }

    /// @notice Where the number of rules stands; the first rule stands 1 behind.
    function rulesAt() internal pure returns (uint256) {
        return _get(RULES);
    }

    /// @notice How many caps there are.
    function nCaps() internal pure returns (uint256) {
        unchecked {
            return Read.byteAt(_get(CAPS) - 1);
        }
    }

    /// @notice Where cap 0 stands; cap `i` stands 20 * i behind.
    function capsAt() internal pure returns (uint256) {
        return _get(CAPS);
    }

    /// @notice Keeps what a tree of rules says. Without one both stay 0: nothing else is ever written there.
    function setTree(uint256 root, uint256 forbidden) internal pure {
        assembly ("memory-safe") {
            mstore(ROOT, root)
            mstore(FORBIDDEN, forbidden)
        }
    }

    /// @notice The root of the tree, and which of the rules that the run brings is forbidden, as `RuleTree` says it.
    function tree() internal pure returns (uint256 root, uint256 forbidden) {
        return (_get(ROOT), _get(FORBIDDEN));
    }

    /// @notice The word that begins with the grant's header.
    function header() internal pure returns (uint256) {
        return _get(HEADER);
    }

    function stateSlot() internal pure returns (uint256) {
        return _get(SLOT);
    }

    /// @notice The grant's first second.
    function startsAt() internal pure returns (uint256) {
        return _get(HEADER) >> 216;
    }

    /// @notice How many calls the grant allows.
    function maxCalls() internal pure returns (uint256) {
        return (_get(HEADER) >> 144) & 0xffffffff;
    }

    /// @notice Where the calls end and the session key's signature begins.
    function callsEnd() internal pure returns (uint256) {
        return _get(CALLS_END);
    }

    /// @notice The state of the grant as it will be written.
    function state() internal pure returns (uint256) {
        return _get(STATE);
    }

    function setState(uint256 word) internal pure {
        assembly ("memory-safe") {
            mstore(STATE, word)
        }
    }

    function _get(uint256 offset) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(offset)
        }
    }
}
