// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {GrantBytes} from "./GrantBytes.sol";
import {GrantState} from "./GrantState.sol";
import {Read} from "./Read.sol";
import {Sessions} from "./Sessions.sol";

/// @notice What may still be booked to a cap now, and in how many seconds its window ends: 0 for a cap over the whole life.
struct CapLeft {
    uint256 amount;
    uint256 windowEndsIn;
}

/// @title What is left of a grant, in one question
abstract contract SessionView is Sessions {
    /// @notice What the grant could do in a run of this second.
    /// @param grant The packed grant.
    /// @return status 0 none, 1 open, 2 frozen, 3 revoked.
    /// @return isOpen It is open, has started and has not expired.
    /// @return calls How many more calls it may make.
    /// @return caps For each cap, what is left of it; windows that have passed are not counted any more.
    function sessionOf(bytes calldata grant)
        external
        view
        returns (uint256 status, bool isOpen, uint256 calls, CapLeft[] memory caps)
    {
        (uint256 at, bytes32 id,) = _wellFormed(grant);
        uint256 slot = _slotOf(id);
        uint256 state = GrantState.read(slot);
        uint256 header = GrantBytes.headerAt(at);
        uint256 startsAt = Read.uintAt(header, 40);
        status = GrantState.statusOf(state);
        isOpen = status == GrantState.OPEN && block.timestamp >= startsAt && block.timestamp < GrantBytes.expiresAt(header);
        calls = Read.uintAt(header + 10, 32) - GrantState.callsOf(state);
        at = GrantBytes.capsAt(header, Read.word(header));
        caps = new CapLeft[](Read.byteAt(at));
        for (uint256 i; i < caps.length; ++i) {
            uint256 word = i == 0 ? GrantState.asCap(state) : GrantState.read(slot + i);
            caps[i] = _left(Read.word(at + 1 + 20 * i), word, startsAt);
        }
    }

    /// @dev `cap` begins with limit16 | window4; `word` is window in bits 128-159, spent below.
    function _left(uint256 cap, uint256 word, uint256 startsAt) private view returns (CapLeft memory left) {
        uint256 length = (cap >> 96) & type(uint32).max;
        left.amount = cap >> 128;
        uint256 window;
        if (length != 0) {
            if (block.timestamp > startsAt) window = uint32((block.timestamp - startsAt) / length);
            left.windowEndsIn = startsAt + (window + 1) * length - block.timestamp;
        }
        if (word >> 128 == window) left.amount -= uint128(word);
    }
}
