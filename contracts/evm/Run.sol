// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {GrantBytes} from "./GrantBytes.sol";

/// @dev Where in memory the facts of one run lie, and behind them the plan of its calls. Not a struct: Solidity would
/// first fill that with zeros, for 100 gas.
type Run is uint256;

using Runs for Run global;

/// @title What stays the same for all calls of a run
library Runs {
    uint256 private constant HASH = 0x00;
    uint256 private constant BETWEEN = 0x20;
    uint256 private constant CALLS_END = 0x40;
    uint256 private constant HEADER = 0x60;
    uint256 private constant CAPS = 0x80;
    uint256 private constant RULES = 0xa0;
    uint256 private constant SLOT = 0xc0;
    uint256 private constant STATE = 0xe0;
    uint256 private constant PLAN = 0x100;

    /// @notice Takes memory for the facts of a run. The plan takes what it needs behind them: it is made when nothing else
    /// in memory is needed any more.
    function make() internal pure returns (Run run) {
        assembly ("memory-safe") {
            run := mload(0x40)
            mstore(0x40, add(run, PLAN))
        }
    }

    /// @notice Keeps what is in calldata.
    /// @param grant The hash of the grant as the run carries it.
    /// @param at Where nonce4 | deadline5 | calls stand.
    /// @param end Where the calls end.
    /// @param head The grant's header.
    /// @param caps Where the number of caps stands; the number of rules stands behind the last cap.
    function setGrant(Run run, bytes32 grant, uint256 at, uint256 end, uint256 head, uint256 caps) internal pure {
        uint256 rules = GrantBytes.rulesAt(caps);
        assembly ("memory-safe") {
            mstore(add(run, HASH), grant)
            mstore(add(run, BETWEEN), at)
            mstore(add(run, CALLS_END), end)
            mstore(add(run, HEADER), head)
            mstore(add(run, CAPS), add(caps, 1))
            mstore(add(run, RULES), rules)
        }
    }

    /// @notice Keeps where the state of the grant is, and what it says.
    function setSlot(Run run, uint256 slot, uint256 word) internal pure {
        assembly ("memory-safe") {
            mstore(add(run, SLOT), slot)
            mstore(add(run, STATE), word)
        }
    }

    /// @notice Where the plan begins, two words for each call.
    function planAt(Run run) internal pure returns (uint256) {
        unchecked {
            return Run.unwrap(run) + PLAN;
        }
    }

    /// @notice The number of the call whose plan stands at `at`. Only errors need it, so no loop counts.
    function indexOf(Run run, uint256 at) internal pure returns (uint256) {
        unchecked {
            return (at - run.planAt()) >> 6;
        }
    }

    /// @notice The native value of the call whose plan stands at `at`.
    function valueAt(uint256 at) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(128, mload(add(at, 0x20)))
        }
    }

    /// @notice The hash of the grant as the run carries it, which is what the session key signs.
    function grantHash(Run run) internal pure returns (bytes32) {
        return bytes32(_get(run, HASH));
    }

    /// @notice Where nonce4 | deadline5 | calls stand.
    function betweenAt(Run run) internal pure returns (uint256) {
        return _get(run, BETWEEN);
    }

    /// @notice Where the number of rules stands; the first rule stands 1 behind.
    function rulesAt(Run run) internal pure returns (uint256) {
        return _get(run, RULES);
    }

    /// @notice Where cap 0 stands; cap `i` stands 20 * i behind.
    function capsAt(Run run) internal pure returns (uint256) {
        return _get(run, CAPS);
    }

    function stateSlot(Run run) internal pure returns (uint256) {
        return _get(run, SLOT);
    }

    /// @notice The grant's first second.
    function startsAt(Run run) internal pure returns (uint256) {
        return _get(run, HEADER) >> 216;
    }

    /// @notice How many calls the grant allows.
    function maxCalls(Run run) internal pure returns (uint256) {
        return (_get(run, HEADER) >> 144) & 0xffffffff;
    }

    /// @notice Where the calls end and the session key's signature begins.
    function callsEnd(Run run) internal pure returns (uint256) {
        return _get(run, CALLS_END);
    }

    /// @notice The state of the grant as it will be written.
    function state(Run run) internal pure returns (uint256) {
        return _get(run, STATE);
    }

    function setState(Run run, uint256 word) internal pure {
        assembly ("memory-safe") {
            mstore(add(run, STATE), word)
        }
    }

    function _get(Run run, uint256 offset) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(run, offset))
        }
    }
}
