// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

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
                uint256 next = end + 2 + Read.uint16At(end);
                if (_endOf(end, nCaps) != next) revert Malformed();
                if (Targets.isForbidden(Read.uintAt(end + 3, 160)) && forbidden == 0) forbidden = count + 1 - left;
                end = next;
            }
        }
    }

    /// @dev Where the parts of a rule end, 0 if one of them is malformed. Constraints come first, meters behind them.
    function _endOf(uint256 rule, uint256 nCaps) private pure returns (uint256 at) {
        unchecked {
            uint256 word = Read.word(rule) << 16; // head1 | target20 | ...
            uint256 head = word >> 248;
            // Any call has a target of zeros, no other kind has.
            if (((word << 8) >> 96 == 0) != (head >= ANY_CALL)) return 0;
            at = checksAt(rule, head);
            bool isMetered;
            uint256 carries;
            for (uint256 left = head & CHECKS; left != 0; --left) {
                uint256 check = Read.word(at);
                if (head >= ANY_SELECTOR && (check >> 248) & NATIVE_VALUE != NATIVE_VALUE) return 0;
                if (check >> 254 == 3) {
                    if ((check >> 240) & 0xff >= nCaps) return 0;
                    if (check >> 248 == 0xff) carries = CARRIES_VALUE;
                    isMetered = true;
                    at += 2;
                } else {
                    at = _endOfConstraint(at, check);
                    if (at == 0 || isMetered) return 0;
                }
            }
            if (head & CARRIES_VALUE != carries) return 0;
        }
    }

    /// @dev Where a constraint ends, 0 if it is malformed. Values take as few bytes as the largest of them needs: else
    /// one signed text could stand for several grants.
    function _endOfConstraint(uint256 at, uint256 check) private pure returns (uint256) {
        unchecked {
            uint256 length = (check >> 240) & 0xff;
            uint256 count = 1;
            at += 2;
            if (check >> 254 == 1) count = Read.byteAt(at++);
            if (length == 0 || length > 32 || count == 0) return 0;
            bool isShortest = length == 1;
            for (; count != 0; --count) {
                if (Read.byteAt(at) != 0) isShortest = true;
                at += length;
            }
            return isShortest ? at : 0;
        }
    }
}
