// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title What no session may ever call
/// @notice The account itself, because a session must never act as its own owner, and the ERC-4337 EntryPoints, which
/// call accounts back. (No target of zeros is well formed; `Wide` refuses it for calls that bring their own.)
library Targets {
    address private constant ENTRY_POINT_06 = 0x5FF137D4b0FDCD49DcA30c7CF57E578a026d2789;
    address private constant ENTRY_POINT_07 = 0x0000000071727De22E5E9d8BAf0edAc6f37da032;
    address private constant ENTRY_POINT_08 = 0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108;
    address private constant ENTRY_POINT_09 = 0x433709009B8330FDa32311DF1C2AFA402eD8D009;

    function isForbidden(uint256 target) internal view returns (bool is_) {
        assembly ("memory-safe") {
            let isEntryPoint := or(eq(target, ENTRY_POINT_06), eq(target, ENTRY_POINT_07))
            isEntryPoint := or(isEntryPoint, or(eq(target, ENTRY_POINT_08), eq(target, ENTRY_POINT_09)))
            is_ := or(isEntryPoint, eq(target, address()))
        }
    }
}
