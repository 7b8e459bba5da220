// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {GrantState} from "../GrantState.sol";
import {NonceTooFar, NonceUsed, TooManyCalls} from "../Errors.sol";

/// @dev The fields of the state slot, each by itself.
struct Slot {
    uint8 status;
    uint32 calls;
    uint32 window;
    uint32 base;
    uint32 bitmap;
    uint128 spent;
}

/// @dev Calls the library from outside, so that a test can see it revert.
contract GrantStateCaller {
    function useNonce(uint256 state, uint256 nonce) external pure returns (uint256) {
        return GrantState.useNonce(state, nonce);
    }

    function countCalls(uint256 state, uint256 count, uint256 most) external pure returns (uint256) {
        return GrantState.countCalls(state, count, most);
    }
}

/// @title The layout of the state slot against a plain struct, and its arithmetic against a plain set of numbers
contract GrantStateTest {
    uint256 private constant AHEAD = 30;
    GrantStateCaller private immutable caller = new GrantStateCaller();

    /// @notice A new status changes two bits and nothing else.
    function testFuzz_aNewStatusLeavesTheRestAlone(Slot memory slot, uint8 status) external pure {
        _bound(slot);
        status %= 4;
        uint256 after_ = GrantState.withStatus(_packed(slot), status);
        slot.status = status;
        require(after_ == _packed(slot), "another field changed");
        require(GrantState.statusOf(after_) == status, "the status is not read back");
    }

    /// @notice Calls are counted, at least one, and never beyond what the grant allows.
    function testFuzz_callsAreCountedUpToTheLast(Slot memory slot, uint8 count, uint32 most) external view {
        _bound(slot);
        uint256 uses = count == 0 ? 1 : count;
        uint256 total = uint256(slot.calls) + uses;
        try caller.countCalls(_packed(slot), count, most) returns (uint256 after_) {
            require(total <= most, "a call too many");
            slot.calls = uint32(total);
            require(after_ == _packed(slot), "another field changed");
        } catch (bytes memory reason) {
            require(bytes4(reason) == TooManyCalls.selector && total > most, "a call that was left");
        }
    }

    /// @notice A nonce is taken once, in any order, up to 30 beyond the lowest unused one.
    function testFuzz_aNonceIsTakenOnce(Slot memory slot, uint256 nonce) external view {
        _bound(slot);
        nonce = _near(slot.base, nonce);
        bool isFree = nonce == slot.base || (nonce > slot.base && nonce <= slot.base + AHEAD && !_isUsed(slot, nonce));
        try caller.useNonce(_packed(slot), nonce) returns (uint256 after_) {
            require(isFree, "a nonce twice, or too far");
            require(after_ == _packed(_withNonce(slot, nonce)), "not the set of numbers that are used now");
        } catch (bytes memory reason) {
            require(!isFree, "a nonce that was free");
            bool isFar = nonce > slot.base + AHEAD;
            require(bytes4(reason) == (isFar ? NonceTooFar.selector : NonceUsed.selector), "the other reason");
        }
    }

    /// @notice Whatever order the nonces come in, they all get through once, and the base ends behind the last.
    function testFuzz_anyOrderWithinTheWindowGetsThrough(uint256 seed, uint32 start) external view {
        uint256 base = start % (2 ** 32 - 64);
        Slot memory slot = Slot(1, 0, 0, uint32(base), 0, 7);
        uint256 state = _packed(slot);
        uint256 left = 2 ** 31 - 1; // base to base + 30
        while (left != 0) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 pick = seed % 31;
            while (left & (1 << pick) == 0) pick = (pick + 1) % 31;
            left &= ~(1 << pick);
            // The base may have moved on; numbers beyond the window of today wait for that.
            state = caller.useNonce(state, base + pick);
        }
        slot.base = uint32(base + 31);
        require(state == _packed(slot), "the base did not end behind the last");
    }

    function _withNonce(Slot memory slot, uint256 nonce) private pure returns (Slot memory) {
        bool[32] memory used; // whether base + i is used
        for (uint256 i = 1; i <= AHEAD; ++i) used[i] = _isUsed(slot, slot.base + i);
        used[nonce - slot.base] = true;
        uint256 step;
        while (used[step]) ++step;
        uint32 bitmap;
        for (uint256 i = step + 1; i <= AHEAD; ++i) {
            if (used[i]) bitmap |= uint32(1 << (i - step - 1));
        }
        return Slot(slot.status, slot.calls, slot.window, slot.base + uint32(step), bitmap, slot.spent);
    }

    function _isUsed(Slot memory slot, uint256 nonce) private pure returns (bool) {
        return (slot.bitmap >> (nonce - slot.base - 1)) & 1 == 1;
    }

    /// @dev A number around the window of nonces, or any.
    function _near(uint256 base, uint256 nonce) private pure returns (uint256) {
        uint256 step = nonce % 40;
        return nonce & (1 << 255) != 0 ? uint32(nonce) : (base + step > 4 ? base + step - 4 : 0);
    }

    function _bound(Slot memory slot) private pure {
        slot.status %= 4;
        slot.bitmap &= 2 ** 30 - 1;
        slot.base %= 2 ** 32 - 64; // a nonce takes a call, so the count is full long before
    }

    function _packed(Slot memory slot) private pure returns (uint256) {
        uint256 high = (uint256(slot.status) << 254) | (uint256(slot.calls) << 222) | (uint256(slot.window) << 190);
        return high | (uint256(slot.base) << 158) | (uint256(slot.bitmap) << 128) | slot.spent;
    }
}
