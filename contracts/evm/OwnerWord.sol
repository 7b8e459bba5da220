// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {GrantState} from "./GrantState.sol";

/// @title Who owns a clone, in one slot: owner in bits 0-159, epoch in bits 160-223, bit 224 set for EIP-191
library OwnerWord {
    uint256 internal constant SLOT = GrantState.NAMESPACE + 257;
    uint256 internal constant PERSONAL = 1 << 224;

    uint256 private constant EPOCH_SHIFT = 160;

    function read() internal view returns (uint256) {
        return GrantState.read(SLOT);
    }

    function ownerOf(uint256 word) internal pure returns (address) {
        return address(uint160(word));
    }

    function epochOf(uint256 word) internal pure returns (uint64) {
        return uint64(word >> EPOCH_SHIFT);
    }

    /// @notice Makes `owner` the owner over the next epoch, which is returned. The flag stays.
    function next(address owner) internal returns (uint64 epoch) {
        uint256 word = read();
        epoch = epochOf(word) + 1;
        GrantState.write(SLOT, (word & PERSONAL) | (uint256(epoch) << EPOCH_SHIFT) | uint160(owner));
    }
}
