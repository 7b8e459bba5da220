// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {NoSuchRule, RuleMismatch} from "./Errors.sol";
import {Read} from "./Read.sol";
import {Rules} from "./Rules.sol";
import {Write} from "./Write.sol";

/// @title A call in full, said as a run says it: by its rule, and only what that leaves open
/// @notice Allows nothing. What it writes is checked as every run is; it refuses what no call under the rule can say.
library RunCalls {
    /// @notice Writes call number `i` under the rule number `index` of those at `rules`.
    function write(uint256 rules, uint256 index, uint256 i, address target, uint256 value, bytes calldata data)
        internal
        pure
    {
        unchecked {
            uint256 rule = _ruleAt(rules, index, i);
            uint256 head = Read.byteAt(rule + 2);
            uint256 dataAt;
            uint256 length = data.length;
            assembly ("memory-safe") {
                dataAt := data.offset
            }
            bool isCarrier = head & Rules.CARRIES_VALUE != 0;
            bool isFit = value <= (isCarrier ? type(uint128).max : 0) && length <= type(uint16).max;
            if (head < Rules.ANY_CALL && Read.uintAt(rule + 3, 160) != uint160(target)) isFit = false;
            if (head < Rules.SEND) {
                if (length < 4 || Read.uintAt(rule + 23, 32) != Read.uintAt(dataAt, 32)) isFit = false;
                (dataAt, length) = (dataAt + 4, length - 4);
            } else if (head < Rules.ANY_SELECTOR && length != 0) {
                isFit = false;
            }
            if (!isFit) revert RuleMismatch(i);
            Write.word(index << 248, 1);
            if (isCarrier) Write.word(value << 128, 16);
            if (head >= Rules.ANY_CALL) Write.word(uint256(uint160(target)) << 96, 20);
            Write.word(length << 240, 2);
            Write.copy(dataAt, dataAt + length);
        }
    }

    function _ruleAt(uint256 rules, uint256 index, uint256 i) private pure returns (uint256 rule) {
        unchecked {
            if (index >= Read.byteAt(rules)) revert NoSuchRule(i);
            rule = rules + 1;
            for (; index != 0; --index) rule += 2 + Read.uint16At(rule);
        }
    }
}
