// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {RuleTooWide, SelectorRefused, TargetRefused} from "./Errors.sol";
import {Read} from "./Read.sol";
import {Rules} from "./Rules.sol";
import {Run} from "./Run.sol";
import {Targets} from "./Targets.sol";
import {ValueMoving} from "./ValueMoving.sol";

/// @title What a rule for any selector, or for any call, does not cover
library Wide {
    /// @notice Reverts unless the wide rule with head `head` covers a call of `target` with `size` bytes of input, of
    /// which `selector` are the first four.
    function requireCovered(uint256 head, uint256 target, uint256 selector, uint256 size, uint256 planAt)
        internal
        view
    {
        unchecked {
            bool isAnyCall = head >= Rules.ANY_CALL;
            if (isAnyCall && (target == 0 || Targets.isForbidden(target))) {
                revert TargetRefused(Run.indexOf(planAt));
            }
            if (size != 0 && (size < 4 || ValueMoving.has(selector))) revert SelectorRefused(Run.indexOf(planAt));
            uint256 rule = Run.rulesAt();
            uint256 left = Read.byteAt(rule++);
            for (; left != 0; --left) {
                uint256 word = Read.word(rule); // length2 | head1 | target20 | selector4 | ...
                if (_isMoreSpecific(word << 16, isAnyCall, target, selector, size)) {
                    revert RuleTooWide(Run.indexOf(planAt));
                }
                rule += 2 + (word >> 240);
            }
        }
    }

    /// @dev Whether the rule that begins with `word` has the same target and says more about this call.
    function _isMoreSpecific(uint256 word, bool isAnyCall, uint256 target, uint256 selector, uint256 size)
        private
        pure
        returns (bool)
    {
        if ((word << 8) >> 96 != target) return false; // any call has zeros there, and zero is never a target
        if (isAnyCall) return true;
        uint256 head = word >> 248;
        if (head < Rules.SEND) return size != 0 && (word >> 56) & type(uint32).max == selector;
        return head < Rules.ANY_SELECTOR && size == 0;
    }
}
