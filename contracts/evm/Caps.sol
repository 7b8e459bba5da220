// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {CapExceeded} from "./Errors.sol";
import {GrantState} from "./GrantState.sol";
import {Read} from "./Read.sol";
import {Run} from "./Run.sol";

/// @title Caps: how much may be booked, over the whole life or in each window
library Caps {
    uint256 private constant WINDOW_SHIFT = 190;
    uint256 private constant MASK_32 = 0xffffffff;

    /// @notice Books `amount` to cap `index` for the call whose plan stands at `planAt`.
    function book(uint256 index, uint256 amount, uint256 planAt) internal {
        if (index == 0) _bookFirst(amount, planAt);
        else _bookFurther(index, amount, planAt);
    }

    /// @dev The counter of cap 0 is in the state of the grant.
    function _bookFirst(uint256 amount, uint256 planAt) private view {
        unchecked {
            uint256 cap = Read.word(Run.capsAt());
            uint256 state = Run.state();
            if ((cap >> 96) & MASK_32 != 0) {
                uint256 window = _windowOf(cap);
                if (window != (state >> WINDOW_SHIFT) & MASK_32) {
                    state = (state & ~((MASK_32 << WINDOW_SHIFT) | type(uint128).max)) | (window << WINDOW_SHIFT);
                }
            }
            if (!_hasRoom(cap >> 128, uint128(state), amount)) revert CapExceeded(Run.indexOf(planAt), 0);
            Run.setState(state + amount);
        }
    }

    /// @dev Any other has a slot of its own: window in bits 128-159, spent below.
    function _bookFurther(uint256 index, uint256 amount, uint256 planAt) private {
        unchecked {
            uint256 cap = Read.word(Run.capsAt() + 20 * index);
            uint256 slot = Run.stateSlot() + index;
            uint256 word = GrantState.read(slot);
            if ((cap >> 96) & MASK_32 != 0) {
                uint256 window = _windowOf(cap);
                if (window != word >> 128) word = window << 128;
            }
            if (!_hasRoom(cap >> 128, uint128(word), amount)) revert CapExceeded(Run.indexOf(planAt), index);
            GrantState.write(slot, word + amount);
        }
    }

    /// @dev The number of the window that this second lies in; the cap has windows.
    function _windowOf(uint256 cap) private view returns (uint256 window) {
        uint256 startsAt = Run.startsAt();
        assembly ("memory-safe") {
            window := and(div(sub(timestamp(), startsAt), and(shr(96, cap), MASK_32)), MASK_32)
        }
    }

    /// @dev Whether `spent + amount <= limit`; `spent` never is above `limit`, `amount` is any word.
    function _hasRoom(uint256 limit, uint256 spent, uint256 amount) private pure returns (bool) {
        unchecked {
            return amount <= limit - spent;
        }
    }
}
