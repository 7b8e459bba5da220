// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {NonceTooFar, NonceUsed, TooManyCalls} from "./Errors.sol";

/// @title What an account keeps of a grant: one word, and further words for further caps and for freezing
/// @dev status2 | calls32 | window32 | nonceBase32 | nonceBitmap30 | spent128, from the top.
library GrantState {
    /// keccak256(abi.encode(uint256(keccak256("valetkey.account.v1")) - 1)) & ~bytes32(uint256(0xff)), as ERC-7201 says
    uint256 internal constant NAMESPACE = 0x6fa84904f7c3c67d1aaac4fc5a9d5a3d8f1e523aaffdde0cf8db74d72692b200;
    uint256 internal constant FREEZE = 255;
    uint256 internal constant EPOCH_SLOT = NAMESPACE + 256;

    uint256 internal constant NONE = 0;
    uint256 internal constant OPEN = 1;
    uint256 internal constant FROZEN = 2;
    uint256 internal constant REVOKED = 3;
    uint256 internal constant WAS_OPEN = 1 << 32;

    uint256 private constant STATUS_SHIFT = 254;
    uint256 private constant CALLS_SHIFT = 222;
    uint256 private constant WINDOW_SHIFT = 190;
    uint256 private constant BASE_SHIFT = 158;
    uint256 private constant BITMAP_SHIFT = 128;
    uint256 private constant MASK_32 = 0xffffffff;
    uint256 private constant MASK_30 = 0x3fffffff;
    uint256 private constant MASK_62 = 0x3fffffffffffffff;
    uint256 private constant NONCE_WINDOW = 30;

    /// @notice The slot of the grant's state. Its further words stand 1 to 7 (further caps) and 255 (freezing) behind.
    /// `base` is NAMESPACE, or what an account makes of it so that all its grants end at once.
    function slotOf(bytes32 id, uint256 base) internal pure returns (uint256 slot) {
        assembly ("memory-safe") {
            mstore(0x00, id)
            mstore(0x20, base)
            slot := keccak256(0x00, 0x40)
        }
    }

    function read(uint256 slot) internal view returns (uint256 word) {
        assembly ("memory-safe") {
            word := sload(slot)
        }
    }

    function write(uint256 slot, uint256 word) internal {
        assembly ("memory-safe") {
            sstore(slot, word)
        }
    }

    function statusOf(uint256 state) internal pure returns (uint256) {
        return state >> STATUS_SHIFT;
    }

    function callsOf(uint256 state) internal pure returns (uint256) {
        return (state >> CALLS_SHIFT) & MASK_32;
    }

    function nonceBaseOf(uint256 state) internal pure returns (uint256) {
        return (state >> BASE_SHIFT) & MASK_32;
    }

    /// @notice What `state` keeps of cap 0, laid out as the slots of the further caps are.
    function asCap(uint256 state) internal pure returns (uint256) {
        return (((state >> WINDOW_SHIFT) & MASK_32) << 128) | uint128(state);
    }

    /// @notice `state` with another status, everything else kept.
    function withStatus(uint256 state, uint256 status) internal pure returns (uint256) {
        return ((state << 2) >> 2) | (status << STATUS_SHIFT);
    }

    /// @notice `state` after `nonce` is used up.
    /// @dev The base cannot overflow: each nonce takes at least one call, and calls are counted in 32 bits as well.
    function useNonce(uint256 state, uint256 nonce) internal pure returns (uint256) {
        unchecked {
            // Base and bitmap in one: the nonce is the next one, and none beyond it is used.
            uint256 next = state + (1 << BASE_SHIFT);
            if ((state >> BITMAP_SHIFT) & MASK_62 != nonce << NONCE_WINDOW) next = _useNonceOutOfOrder(state, nonce);
            return next;
        }
    }

    function _useNonceOutOfOrder(uint256 state, uint256 nonce) private pure returns (uint256) {
        unchecked {
            uint256 base = (state >> BASE_SHIFT) & MASK_32;
            if (nonce == base) return _advance(state);
            if (nonce < base) revert NonceUsed();
            if (nonce - base > NONCE_WINDOW) revert NonceTooFar();
            uint256 bit = 1 << (BITMAP_SHIFT - 1 + nonce - base);
            if (state & bit != 0) revert NonceUsed();
            return state | bit;
        }
    }

    /// @dev Moves the base to the next nonce that is not used yet, and the bitmap with it.
    function _advance(uint256 state) private pure returns (uint256) {
        unchecked {
            uint256 bitmap = (state >> BITMAP_SHIFT) & MASK_30;
            uint256 step = 1;
            for (uint256 rest = bitmap; rest & 1 != 0; rest >>= 1) ++step;
            return state + (step << BASE_SHIFT) - ((bitmap - (bitmap >> step)) << BITMAP_SHIFT);
        }
    }

    /// @notice `state` with `count` more calls (at least one) under the limit `maxCalls`.
    function countCalls(uint256 state, uint256 count, uint256 maxCalls) internal pure returns (uint256) {
        unchecked {
            assembly ("memory-safe") {
                count := add(count, iszero(count)) // at least one
            }
            if (((state >> CALLS_SHIFT) & MASK_32) + count > maxCalls) revert TooManyCalls();
            return state + (count << CALLS_SHIFT);
        }
    }
}
