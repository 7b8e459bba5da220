// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Writing calldata for another frame, piece by piece
/// @notice Everything goes to where the free memory begins, so nothing else may take memory between `open` and `close`.
library Write {
    /// @notice Begins a text of bytes.
    function open() internal pure returns (bytes memory text) {
        assembly ("memory-safe") {
            text := mload(0x40)
            mstore(0x40, add(text, 0x20))
        }
    }

    /// @notice Adds the upper `length` bytes of `value`.
    function word(uint256 value, uint256 length) internal pure {
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, value)
            mstore(0x40, add(at, length))
        }
    }

    /// @notice Adds the calldata from `from` up to `end`.
    function copy(uint256 from, uint256 end) internal pure {
        assembly ("memory-safe") {
            let at := mload(0x40)
            calldatacopy(at, from, sub(end, from))
            mstore(0x40, add(at, sub(end, from)))
        }
    }

    /// @notice Ends the text that `open` began.
    function close(bytes memory text) internal pure {
        assembly ("memory-safe") {
            let end := mload(0x40)
            mstore(text, sub(end, add(text, 0x20)))
            mstore(0x40, and(add(end, 0x1f), not(0x1f)))
        }
    }
}
