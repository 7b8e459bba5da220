// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TargetForbidden} from "./Errors.sol";
import {Read} from "./Read.sol";

/// @title What no session may ever call
/// @notice The account itself, because a session must never act as its own owner, and the ERC-4337 EntryPoints, which
/// call accounts back. (No target of zeros is well formed; `Wide` refuses it for calls that bring their own.)
library Targets {
    address private constant ENTRY_POINT_06 = 0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789;
    address private constant ENTRY_POINT_07 = 0x0000000071727De22E5E9d8BAf0edAc6f37da032;
    address private constant ENTRY_POINT_08 = 0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108;
    address private constant ENTRY_POINT_09 = 0x433709009B8330FDa32311DF1C2AFA402eD8D009;

    function isForbidden(address target) internal view returns (bool is_) {
        assembly ("memory-safe") {
            let isEntryPoint := or(eq(target, ENTRY_POINT_06), eq(target, ENTRY_POINT_07))
            isEntryPoint := or(isEntryPoint, or(eq(target, ENTRY_POINT_08), eq(target, ENTRY_POINT_09)))
            is_ := or(isEntryPoint, eq(target, address()))
        }
    }

    /// @notice Reverts if one of the rules at `rules`, which are well formed, is about a forbidden target.
    function requireAllowed(uint256 rules) internal view {
        unchecked {
            uint256 rule = rules + 1;
            uint256 count = Read.byteAt(rules);
            for (uint256 i; i != count; ++i) {
                if (isForbidden(address(uint160(Read.uintAt(rule + 3, 160))))) revert TargetForbidden(i);
                rule += 2 + Read.uint16At(rule);
            }
        }
    }
}
