// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title ES256: ECDSA on P-256 over the SHA-256 of a digest, checked by the chain (RIP-7212, EIP-7951)
/// @notice Where the chain has no such precompile, nothing passes.
library P256 {
    // RFC 6979, A.2.5: curve P-256, SHA-256, message "sample".
    uint256 private constant SAMPLE_X = 0x60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6;
    uint256 private constant SAMPLE_Y = 0x7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299;
    uint256 private constant SAMPLE_R = 0xefd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716;
    uint256 private constant SAMPLE_S = 0xf7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8;

    /// @notice Says whether this chain can check a P-256 signature, by having it check a published one.
    function isChecked() internal view returns (bool) {
        bytes32 hash = sha256("sample");
        uint256 buffer;
        assembly ("memory-safe") {
            buffer := mload(0x40)
            mstore(buffer, hash)
            mstore(add(buffer, 0x20), SAMPLE_R)
            mstore(add(buffer, 0x40), SAMPLE_S)
            mstore(add(buffer, 0x60), SAMPLE_X)
            mstore(add(buffer, 0x80), SAMPLE_Y)
        }
        return _isValid(buffer);
    }

    /// @notice Says whether r32 | s32 at `signature` is by the key x32 | y32 at `key` over the SHA-256 of `digest`; both
    /// stand in calldata.
    function isSignedBy(uint256 key, bytes32 digest, uint256 signature) internal view returns (bool) {
        uint256 buffer;
        assembly ("memory-safe") {
            buffer := mload(0x40)
            mstore(0x00, digest)
            // SHA-256 fails for want of gas alone.
            if iszero(staticcall(gas(), 2, 0x00, 0x20, buffer, 0x20)) { revert(0, 0) }
            calldatacopy(add(buffer, 0x20), signature, 0x40)
            calldatacopy(add(buffer, 0x60), key, 0x40)
        }
        return _isValid(buffer);
    }

    /// @dev hash32 | r32 | s32 | x32 | y32 stand in memory at `buffer`. The precompile answers 1, or nothing at all.
    function _isValid(uint256 buffer) private view returns (bool isValid) {
        assembly ("memory-safe") {
            mstore(0x00, 0)
            // The call stands alone: it must precede the reads.
            pop(staticcall(gas(), 0x100, buffer, 0xa0, 0x00, 0x20))
            isValid := and(eq(returndatasize(), 0x20), eq(mload(0x00), 1))
        }
    }
}
