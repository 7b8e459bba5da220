// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Entering the account again with other calldata
library Self {
    /// @notice Runs the account's own code on `input`, in a frame of its own, for the same sender and value; a failure
    /// reverts everything with its own reason.
    /// @dev A delegatecall, so `msg.sender` stays who it is: nobody becomes the account by going through here.
    function act(bytes memory input) internal {
        (bool done, bytes memory reason) = address(this).delegatecall(input);
        if (done) return;
        assembly ("memory-safe") {
            revert(add(reason, 0x20), mload(reason))
        }
    }
}
