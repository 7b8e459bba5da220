// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SignatureRefused} from "./Errors.sol";
import {Read} from "./Read.sol";

/// @title What the account says of one run to itself: that its session key has agreed to it in another form
/// @dev One word of transient storage (EIP-1153). It is set right before the account enters itself with that run, and
/// nothing else is called before it is taken there; a run that is refused takes all back.
library Vouching {
    /// keccak256(abi.encode(uint256(keccak256("valetkey.vouched.v1")) - 1)) & ~bytes32(uint256(0xff)), as ERC-7201 says.
    uint256 private constant SLOT = 0x1f7893b11d6da3d22ebb3f0de36b448423de3b80099b7fe11c0912e173d55e00;

    /// @notice In the place of `v` in a run whose calldata is vouched for: no form of signature has it.
    uint256 internal constant V = 1;

    /// @notice Vouches for `run`, its whole calldata.
    function give(bytes memory run) internal {
        assembly ("memory-safe") {
            tstore(SLOT, keccak256(add(run, 0x20), mload(run)))
        }
    }

    /// @notice Reverts unless the calldata of this frame is vouched for. It is not any longer.
    function requireTaken(uint256 buffer) internal {
        bytes32 hash = Read.hash(0, msg.data.length, buffer);
        bytes32 given;
        assembly ("memory-safe") {
            given := tload(SLOT)
            tstore(SLOT, 0)
        }
        if (given != hash) revert SignatureRefused();
    }
}
