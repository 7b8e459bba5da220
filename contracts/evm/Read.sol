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

    /// @notice Byte number `i` of `value`, from the top.
    function byteOf(uint256 value, uint256 i) internal pure returns (uint256 one) {
        assembly ("memory-safe") {
            one := byte(i, value)
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

    /// @notice The Keccak-256 of the bytes from `from` up to, not including, `to`; hashed in memory at `buffer` (`Memory`).
    function hash(uint256 from, uint256 to, uint256 buffer) internal pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            let length := sub(to, from)
            calldatacopy(buffer, from, length)
            digest := keccak256(buffer, length)
        }
    }
}
