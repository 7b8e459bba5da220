// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Caps} from "./Caps.sol";
import {Checks} from "./Checks.sol";
import {Malformed, NoSuchRule} from "./Errors.sol";
import {GrantBytes} from "./GrantBytes.sol";
import {Read} from "./Read.sol";
import {Run} from "./Run.sol";

/// @title The calls of one run: all checked and booked first, made afterwards
/// @dev call = rule1 | [value16 if the rule says so] | length2 | arguments
library Calls {
    /// @notice Checks and books the calls packed from `at` on, makes the plan of them, and returns the new state.
    /// @dev Only an open grant comes here, so its rules are well formed. The plan has two words for each call: the rule
    /// from its target on; then value16, and in 8 bytes each the calldata offset of the arguments and the length of the
    /// input, selector included.
    function check(Run run, uint256 at, uint256 state) internal returns (uint256) {
        unchecked {
            uint256 planAt = run.openPlan(Read.byteAt(at++));
            for (; planAt != run.planEnd(); planAt += 64) {
                uint256 word = Read.word(at); // rule1 | length2 | ..., or rule1 | value16 | length2 | ...
                uint256 rule = _ruleOf(run, word >> 248, planAt);
                uint256 head = Read.byteAt(rule + 2);
                uint256 call;
                uint256 selector = 4;
                if (head > GrantBytes.CHECKS) {
                    if (head & GrantBytes.CARRIES_VALUE != 0) {
                        call = (word << 8) & ~uint256(type(uint128).max);
                        word = Read.word(at += 16);
                    }
                    if (head >= GrantBytes.SEND) {
                        if ((word >> 232) & 0xffff != 0) revert Malformed();
                        selector = 0;
                    }
                }
                word = (word >> 232) & 0xffff; // the length of the arguments
                call |= ((at + 3) << 64) | word;
                at += word + 3;
                state = _requireChecks(run, rule + 23 + selector, head, call, at, planAt, state);
                _append(planAt, Read.word(rule) << 24, call + selector);
            }
            if (at != run.callsEnd()) revert Malformed();
            return state;
        }
    }

    /// @dev The checks stand at `at`; how many there are is in the head of the rule. `call` is as in the plan, but for its
    /// length, which is that of the arguments; these end before `end`.
    function _requireChecks(Run run, uint256 at, uint256 head, uint256 call, uint256 end, uint256 planAt, uint256 state)
        private
        returns (uint256)
    {
        unchecked {
            for (uint256 left = head & GrantBytes.CHECKS; left != 0; --left) {
                uint256 word = Read.word(at);
                uint256 actual = Checks.argumentOf(call, word, end, run, planAt);
                if (word >> 254 != Checks.METER) {
                    at = Checks.requireConstraint(word, at, actual, run, planAt);
                    continue;
                }
                at += 2;
                word = (word >> 240) & 0xff; // the cap
                if (word == 0) state = Caps.bookFirst(run, state, actual, planAt);
                else Caps.bookFurther(run, word, actual, planAt);
            }
            return state;
        }
    }

    function _ruleOf(Run run, uint256 index, uint256 planAt) private pure returns (uint256 rule) {
        unchecked {
            rule = run.rulesAt();
            if (index >= Read.byteAt(rule)) revert NoSuchRule(run.indexOf(planAt));
            ++rule;
            for (; index != 0; --index) rule += 2 + Read.uint16At(rule);
        }
    }

    function _append(uint256 planAt, uint256 first, uint256 second) private pure {
        assembly ("memory-safe") {
            mstore(planAt, first)
            mstore(add(planAt, 0x20), second)
        }
    }

    /// @notice Makes the calls of the plan in order; the first that fails reverts everything with its own reason.
    function perform(Run run) internal {
        uint256 plan = run.planAt();
        uint256 planEnd = run.planEnd();
        assembly ("memory-safe") {
            // Behind the free pointer; each call overwrites the one before. Nothing that a target returns is copied,
            // but for the first 4096 bytes of a reason to revert: an endless one costs its target, not the relayer.
            let buffer := mload(0x40)
            for { let at := plan } lt(at, planEnd) { at := add(at, 0x40) } {
                let rule := mload(at)
                let packed := mload(add(at, 0x20))
                let size := and(packed, 0xffffffffffffffff)
                mstore(buffer, shl(160, rule))
                // Copies four bytes more than the arguments have; they lie behind the input and are not sent.
                calldatacopy(add(buffer, 4), and(shr(64, packed), 0xffffffffffffffff), size)
                let done := call(gas(), shr(96, rule), shr(128, packed), buffer, size, 0, 0)
                if iszero(done) {
                    size := returndatasize()
                    if gt(size, 4096) { size := 4096 }
                    returndatacopy(buffer, 0, size)
                    revert(buffer, size)
                }
            }
        }
    }
}
