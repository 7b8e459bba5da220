// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title What others ask an account before they send it something (ERC-165, ERC-721, ERC-1155), and native value
/// @notice Takes every ERC-721 and ERC-1155 token.
abstract contract Receiver {
    bytes4 private constant SUPPORTS_INTERFACE = 0x01ffc9a7;
    bytes4 private constant IS_VALID_SIGNATURE = 0x1626ba7e;
    bytes4 private constant ERC1155_RECEIVER = 0x4e2312e0;
    bytes4 private constant ON_ERC721_RECEIVED = 0x150b7a02; // which is also the id of that interface
    bytes4 private constant ON_ERC1155_RECEIVED = 0xf23a6e61;
    bytes4 private constant ON_ERC1155_BATCH_RECEIVED = 0xbc197c81;

    /// @notice Takes native value from anyone.
    receive() external payable {}

    /// @notice Answers `supportsInterface`, and the callbacks of tokens with their own selectors. Reverts for all else.
    /// @dev Not functions: the selector of the first is lower than that of `applyRun`, which would pay for a comparison
    /// each time; the arguments of the others would be unpacked for nothing.
    fallback(bytes calldata input) external returns (bytes memory) {
        bytes4 asked = bytes4(input);
        if (asked == SUPPORTS_INTERFACE && input.length >= 36) {
            asked = bytes4(input[4:]);
            bool isKnown = asked == SUPPORTS_INTERFACE || asked == IS_VALID_SIGNATURE || asked == ON_ERC721_RECEIVED
                || asked == ERC1155_RECEIVER;
            return abi.encode(isKnown);
        }
        if (asked != ON_ERC721_RECEIVED && asked != ON_ERC1155_RECEIVED && asked != ON_ERC1155_BATCH_RECEIVED) revert();
        return abi.encode(asked);
    }
}
