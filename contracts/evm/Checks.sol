// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ArgumentMissing, ArgumentRefused} from "./Errors.sol";
import {Read} from "./Read.sol";
import {Run} from "./Run.sol";

/// @title The arguments of one call, and the constraints on them
/// @notice `check` is the word that begins with operator2 | argument6 | length1, and `planAt` the place of the call in
/// the plan of its run.
library Checks {
    /// Below which `check` is "equals", "one of" and "at most"; from METER on it is a meter.
    uint256 internal constant METER = 3 << 254;
    uint256 private constant ONE_OF = 1 << 254;
    uint256 private constant AT_MOST = 2 << 254;
    uint256 private constant ARGUMENT = 0x3f;
    uint256 private constant NATIVE_VALUE = 0x3f;

    /// @notice The argument that `check` is about, of those from `arguments` up to `end`.
    function argumentOf(uint256 check, uint256 arguments, uint256 end, uint256 planAt)
        internal
        pure
        returns (uint256 value)
    {
        unchecked {
            uint256 offset = (check >> 243) & (ARGUMENT << 5);
            uint256 at = arguments + offset;
            bool isElsewhere;
            assembly ("memory-safe") {
                // One branch for two questions.
                isElsewhere := or(gt(add(at, 0x20), end), eq(offset, shl(5, NATIVE_VALUE)))
            }
            value = Read.word(at);
            if (isElsewhere) {
                if (offset != NATIVE_VALUE << 5) revert ArgumentMissing(Run.indexOf(planAt), offset >> 5);
                value = Run.valueAt(planAt);
            }
        }
    }

    /// @notice Where the constraint `check`, which stands at `at`, ends. Reverts unless `actual` keeps it.
    function requireConstraint(uint256 check, uint256 at, uint256 actual, uint256 planAt)
        internal
        pure
        returns (uint256 end)
    {
        unchecked {
            uint256 length = (check >> 240) & 0xff;
            at += 2;
            if (check < ONE_OF) {
                if (Read.uintAt(at, length << 3) != actual) revert ArgumentRefused(Run.indexOf(planAt), _argument(check));
                end = at + length;
            } else if (check < AT_MOST) {
                end = ++at + length * ((check >> 232) & 0xff);
                while (Read.uintAt(at, length << 3) != actual) {
                    at += length;
                    if (at == end) revert ArgumentRefused(Run.indexOf(planAt), _argument(check));
                }
            } else {
                if (Read.uintAt(at, length << 3) < actual) revert ArgumentRefused(Run.indexOf(planAt), _argument(check));
                end = at + length;
            }
        }
    }

    function _argument(uint256 check) private pure returns (uint256) {
        return (check >> 248) & ARGUMENT;
    }
}
