// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Caps} from "./Caps.sol";
import {Checks} from "./Checks.sol";
import {Malformed, NoSuchRule} from "./Errors.sol";
import {Rules} from "./Rules.sol";
import {Read} from "./Read.sol";
import {Run} from "./Run.sol";
import {Wide} from "./Wide.sol";

/// @title The calls of one run: all checked and booked first, made afterwards
/// @dev call = rule1 | [value16 if the rule says so] | [target20 under any call] | length2 | arguments
library Calls {
    /// @notice Checks and books the calls packed from `at` on, and makes the plan of them. Returns where the plan ends.
    /// @dev Only rules that are known to be well formed come here. The plan has two words for each call: target20 and
    /// selector4 from the top; then value16, and in 8 bytes each the calldata offset of what follows the selector and
    /// the length of the input, selector included.
    function check(uint256 at) internal returns (uint256 planAt) {
        unchecked {
            planAt = Run.PLAN;
            for (uint256 n = Read.byteAt(at++); n != 0; --n) {
                uint256 call = Read.word(at); // rule1 | length2 | ...
                uint256 rule = _ruleOf(call >> 248, planAt);
                uint256 word = Read.word(rule); // length2 | head1 | target20 | selector4 | ...
                uint256 arguments = at + 3;
                uint256 checks = rule + 27;
                if (word & Rules.UNUSUAL == 0) {
                    // An exact rule without native value: nearly every call is under one.
                    call = (call >> 232) & 0xffff; // the length of the arguments
                    at = arguments + call;
                    _plan(planAt, word << 24, (arguments << 64) | (call + 4));
                } else {
                    (arguments, at, checks) = _planUnusual(rule, at + 1, planAt);
                }
                // The arguments end at `at`, where the next call begins. Constraints come before meters.
                for (uint256 left = (word >> 232) & Rules.CHECKS; left != 0; --left) {
                    word = Read.word(checks); // operator2 | argument6 | length1, or meter2 | argument6 | cap1
                    uint256 actual = Checks.argumentOf(word, arguments, at, planAt);
                    if (word < Checks.METER) {
                        checks = Checks.requireConstraint(word, checks, actual, planAt);
                    } else {
                        checks += 2;
                        Caps.book((word >> 240) & 0xff, actual, planAt);
                    }
                }
                planAt += 64;
            }
            if (at != Run.callsEnd()) revert Malformed();
        }
    }

    function _ruleOf(uint256 index, uint256 planAt) private pure returns (uint256 rule) {
        unchecked {
            rule = Run.rulesAt();
            if (index >= Read.byteAt(rule)) revert NoSuchRule(Run.indexOf(planAt));
            ++rule;
            for (; index != 0; --index) rule += 2 + Read.uint16At(rule);
        }
    }

    /// @dev Plans a call with native value, or under a rule that is not exact. What follows its rule1 stands at `at`.
    /// Returns where its arguments stand (the input, under a wide rule), where they end, and where the checks stand.
    function _planUnusual(uint256 rule, uint256 at, uint256 planAt)
        private
        view
        returns (uint256 arguments, uint256 end, uint256 checks)
    {
        unchecked {
            uint256 head = Read.byteAt(rule + 2);
            uint256 target = Read.uintAt(rule + 3, 160);
            uint256 value;
            if (head & Rules.CARRIES_VALUE != 0) {
                value = Read.uintAt(at, 128);
                at += 16;
            }
            if (head >= Rules.ANY_CALL) {
                target = Read.uintAt(at, 160);
                at += 20;
            }
            uint256 size = Read.uint16At(at);
            arguments = at + 2;
            end = arguments + size;
            checks = Rules.checksAt(rule, head);
            uint256 selector;
            uint256 behind = arguments;
            if (head < Rules.SEND) {
                selector = Read.uintAt(rule + 23, 32);
                size += 4;
            } else if (head < Rules.ANY_SELECTOR) {
                if (size != 0) revert Malformed();
            } else {
                if (size != 0) selector = Read.uintAt(arguments, 32);
                Wide.requireCovered(head, target, selector, size, planAt);
                behind += 4;
            }
            _plan(planAt, (target << 96) | (selector << 64), (value << 128) | (behind << 64) | size);
        }
    }

    function _plan(uint256 planAt, uint256 first, uint256 second) private pure {
        assembly ("memory-safe") {
            mstore(planAt, first)
            mstore(add(planAt, 0x20), second)
        }
    }

    /// @notice Makes the calls of the plan in order; the first that fails reverts everything with its own reason.
    function perform(uint256 planEnd) internal {
        uint256 plan = Run.PLAN;
        assembly ("memory-safe") {
            // Behind the plan, where nothing is kept; each call overwrites the one before. Nothing that a target returns
            // is copied, but for the first 4096 bytes of a reason to revert: an endless one costs its target, not the
            // relayer.
            for {} lt(plan, planEnd) { plan := add(plan, 0x40) } {
                let first := mload(plan)
                let second := mload(add(plan, 0x20))
                let size := and(second, 0xffffffffffffffff)
                mstore(planEnd, shl(160, first))
                // Copies four bytes more than the input has; they lie behind it and are not sent.
                calldatacopy(add(planEnd, 4), and(shr(64, second), 0xffffffffffffffff), size)
                if iszero(call(gas(), shr(96, first), shr(128, second), planEnd, size, 0, 0)) {
                    size := returndatasize()
                    if gt(size, 4096) { size := 4096 }
                    returndatacopy(planEnd, 0, size)
                    revert(planEnd, size)
                }
            }
        }
    }
}
