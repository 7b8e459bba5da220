// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {GrantState} from "./GrantState.sol";
import {Sessions} from "./Sessions.sol";

/// @title The code that an externally owned account delegates to (EIP-7702)
/// @notice The owner's key is the account's own key.
contract Account is Sessions {
    /// @notice Takes native value from anyone.
    receive() external payable {}

    /// @notice Voids every grant that is signed but was never enabled. For the account itself.
    function raiseEpoch() external onlyAccount {
        GrantState.write(GrantState.EPOCH_SLOT, epoch() + 1);
    }

    /// @notice The epoch over which grants are signed now. It is read only when a grant is enabled.
    function epoch() public view override returns (uint64) {
        return uint64(GrantState.read(GrantState.EPOCH_SLOT));
    }

    function _owner() internal view override returns (address) {
        return address(this);
    }

    function _base() internal pure override returns (uint256) {
        return GrantState.NAMESPACE;
    }
}
