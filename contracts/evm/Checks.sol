// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ArgumentMissing, ArgumentRefused} from "./Errors.sol";
import {Read} from "./Read.sol";
import {Run} from "./Run.sol";

/// @title The arguments of one call, and the constraints on them
/// @notice A call is one word here: native value in the upper 128 bits, then in 64 bits each the calldata offset of its
/// arguments and their length. `check` is the word that begins with operator2 | argument6 | length1.
library Checks {
    uint256 internal constant METER = 3;

    uint256 private constant EQUALS = 0;
    uint256 private constant ONE_OF = 1;
    uint256 private constant NATIVE_VALUE = 0x3f;
    uint256 private constant MASK_64 = 0xffffffffffffffff;

    /// @notice The argument that `check` is about; it must end before `end`. `planAt` is the call's place in the plan.
    function argumentOf(uint256 call, uint256 check, uint256 end, Run run, uint256 planAt)
        internal
        pure
        returns (uint256 value)
    {
        unchecked {
            uint256 argument = (check >> 243) & (NATIVE_VALUE << 5);
            value = call >> 128;
            if (argument != NATIVE_VALUE << 5) {
                uint256 start = ((call >> 64) & MASK_64) + argument;
                if (start + 32 > end) revert ArgumentMissing(run.indexOf(planAt), argument >> 5);
                value = Read.word(start);
            }
        }
    }

    /// @notice Where the constraint `check`, which stands at `at`, ends. Reverts unless `actual`, an argument of call
    /// number `i`, keeps it.
    function requireConstraint(uint256 check, uint256 at, uint256 actual, Run run, uint256 planAt)
        internal
        pure
        returns (uint256 end)
    {
        unchecked {
            uint256 length = (check >> 240) & 0xff;
            if (check >> 254 == ONE_OF) {
                at += 3;
                end = at + length * ((check >> 232) & 0xff);
                while (Read.uintAt(at, length << 3) != actual) {
                    at += length;
                    if (at == end) revert ArgumentRefused(run.indexOf(planAt), (check >> 248) & NATIVE_VALUE);
                }
            } else {
                end = at + 2 + length;
                uint256 expected = Read.uintAt(at + 2, length << 3);
                if (actual != expected) {
                    if (actual > expected || check >> 254 == EQUALS) {
                        revert ArgumentRefused(run.indexOf(planAt), (check >> 248) & NATIVE_VALUE);
                    }
                }
            }
        }
    }
}
