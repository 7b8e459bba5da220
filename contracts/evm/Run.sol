// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {GrantBytes} from "./GrantBytes.sol";

/// @dev Where in memory the facts of one run lie. Not a struct: Solidity would first fill that with zeros, for 100 gas.
type Run is uint256;

using Runs for Run global;

/// @title What stays the same for all calls of a run
library Runs {
    /// @notice Keeps where the caps and the rules of the grant stand in calldata, where the calls end there, the slot of
    /// the grant's state, and its first second.
    function open(uint256 caps, uint256 end, uint256 slot, uint256 start) internal pure returns (Run run) {
        uint256 rules = GrantBytes.rulesAt(caps);
        assembly ("memory-safe") {
            run := mload(0x40)
            mstore(0x40, add(run, 0xe0))
            mstore(run, rules)
            mstore(add(run, 0x20), caps)
            mstore(add(run, 0x40), slot)
            mstore(add(run, 0x60), start)
            mstore(add(run, 0xc0), end)
        }
    }

    /// @notice Takes memory for the plan of `count` calls, two words each.
    function openPlan(Run run, uint256 count) internal pure returns (uint256 plan) {
        assembly ("memory-safe") {
            plan := mload(0x40)
            let end := add(plan, shl(6, count))
            mstore(0x40, end)
            mstore(add(run, 0x80), plan)
            mstore(add(run, 0xa0), end)
        }
    }

    function callsEnd(Run run) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(run, 0xc0))
        }
    }

    /// @notice The number of the call whose plan stands at `at`. Only errors need it, so no loop counts.
    function indexOf(Run run, uint256 at) internal pure returns (uint256) {
        unchecked {
            return (at - run.planAt()) >> 6;
        }
    }

    function rulesAt(Run run) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(run)
        }
    }

    function capsAt(Run run) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(run, 0x20))
        }
    }

    function stateSlot(Run run) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(run, 0x40))
        }
    }

    function startsAt(Run run) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(run, 0x60))
        }
    }

    function planAt(Run run) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(run, 0x80))
        }
    }

    function planEnd(Run run) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(run, 0xa0))
        }
    }
}
