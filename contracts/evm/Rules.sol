// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Checks} from "./Checks.sol";
import {Malformed} from "./Errors.sol";
import {Read} from "./Read.sol";
import {Targets} from "./Targets.sol";

/// @title The packed rules of a grant
/// @dev rule = length2 | head1 | target20 | [selector4] | constraint* | meter*, head = kind2 | carriesValue1 | checks5
library Rules {
    uint256 internal constant CHECKS = 0x1f;
    uint256 internal constant CARRIES_VALUE = 1 << 5;
    /// The kinds other than exact, as they stand in a head.
    uint256 internal constant SEND = 1 << 6;
    uint256 internal constant ANY_SELECTOR = 2 << 6;
    uint256 internal constant ANY_CALL = 3 << 6;
    /// In the first word of a rule: set if it is not exact, or if its calls carry native value.
    uint256 internal constant UNUSUAL = (ANY_CALL | CARRIES_VALUE) << 232;
    uint256 private constant NATIVE_VALUE = 0x3f;

    /// @notice Where the checks of the rule with head `head` stand: behind the selector, if it has one.
    function checksAt(uint256 rule, uint256 head) internal pure returns (uint256 at) {
        assembly ("memory-safe") {
            at := add(rule, sub(27, shl(2, iszero(lt(head, SEND)))))
        }
    }

    /// @notice Where the rules at `rules` end: how many there are stands first. Reverts if one is malformed, or if there
    /// are none. Says also which is the first whose target is forbidden: 0 if none is, else 1 more than its index.
    function requireWellFormed(uint256 rules, uint256 nCaps) internal view returns (uint256 end, uint256 forbidden) {
        unchecked {
            uint256 count = Read.byteAt(rules);
            if (count == 0) revert Malformed();
            end = rules + 1;
            for (uint256 left = count; left != 0; --left) {
                uint256 word = Read.word(end); // length2 | head1 | target20 | ...
                uint256 head = Read.byteOf(word, 2);
                uint256 target = (word >> 72) & type(uint160).max;
                uint256 at = checksAt(end, head);
                end += 2 + (word >> 240);
                uint256 carries; // CARRIES_VALUE if native value is metered
                // Constraints come first, meters behind them.
                bool isMetered;
                for (uint256 checks = head & CHECKS; checks != 0; --checks) {
                    word = Read.word(at); // operator2 | argument6 | length1, or meter2 | argument6 | cap1
                    if (head >= ANY_SELECTOR) {
                        if ((word >> 248) & NATIVE_VALUE != NATIVE_VALUE) revert Malformed();
                    }
                    if (word >= Checks.METER) {
                        if (Read.byteOf(word, 1) >= nCaps) revert Malformed();
                        if (word >> 248 == 0xff) carries = CARRIES_VALUE;
                        isMetered = true;
                        at += 2;
                    } else {
                        if (isMetered) revert Malformed();
                        at = _endOfConstraint(at, word);
                    }
                }
                if (!_isSound(head, target, carries, at, end)) revert Malformed();
                if (Targets.isForbidden(target)) {
                    if (forbidden == 0) forbidden = count + 1 - left;
                }
            }
        }
    }

    /// @dev In no branch: the checks end where the rule does; any call has a target of zeros, no other kind has; and a rule
    /// says that it carries value if, and only if, it meters that.
    function _isSound(uint256 head, uint256 target, uint256 carries, uint256 at, uint256 end)
        private
        pure
        returns (bool isSound)
    {
        assembly ("memory-safe") {
            isSound := eq(at, end)
            isSound := and(isSound, eq(iszero(target), iszero(lt(head, ANY_CALL))))
            isSound := and(isSound, eq(and(head, CARRIES_VALUE), carries))
        }
    }

    /// @dev Where a constraint ends; reverts if it is malformed. Values take as few bytes as the largest of them needs: else
    /// one signed text could stand for several grants.
    function _endOfConstraint(uint256 at, uint256 check) private pure returns (uint256) {
        unchecked {
            uint256 length = (check >> 240) & 0xff;
            uint256 count = 1;
            at += 2;
            if (check >> 254 == 1) count = Read.byteAt(at++);
            if (length == 0 || length > 32 || count == 0) revert Malformed();
            bool isShortest = length == 1;
            for (; count != 0; --count) {
                if (Read.byteAt(at) != 0) isShortest = true;
                at += length;
            }
            if (!isShortest) revert Malformed();
            return at;
        }
    }
}
