// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Reading calldata by absolute offset
/// @notice Reading past the end gives zeros, never an error: whoever reads checks lengths.
library Read {
    /// @notice The 32 bytes from `at` on.
    function word(uint256 at) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := calldataload(at)
        }
    }

    /// @notice The one byte at `at`.
    function byteAt(uint256 at) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := byte(0, calldataload(at))
        }
    }

    /// @notice The number that the two bytes at `at` are.
    function uint16At(uint256 at) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(240, calldataload(at))
        }
    }

    /// @notice The number that the `bits / 8` bytes from `at` on are.
    function uintAt(uint256 at, uint256 bits) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, bits), calldataload(at))
        }
    }

    /// @notice The Keccak-256 of the bytes from `from` up to, not including, `to`.
    function hash(uint256 from, uint256 to) internal pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            // Scratch memory behind the free pointer; nothing there is kept.
            let buffer := mload(0x40)
            let length := sub(to, from)
            calldatacopy(buffer, from, length)
            digest := keccak256(buffer, length)
        }
    }
}
