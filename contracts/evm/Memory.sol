// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Memory for what is hashed or asked, and not kept
/// @notice Whoever needs some is told by its caller where it is: `Run.PLAN` while a run is opened, which the compiler knows
/// beforehand, and else what `free` says. A place that is known beforehand costs 6 less for each word.
library Memory {
    /// @notice Where free memory begins.
    function free() internal pure returns (uint256 buffer) {
        assembly ("memory-safe") {
            buffer := mload(0x40)
        }
    }
}
