// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Self} from "./Self.sol";

/// @title Many acts on the account in one transaction
abstract contract Multicall {
    /// @notice Does each of `acts`, calldata for this account, in order; the first that fails reverts all of them.
    /// @dev Each act is checked as if it came alone from the same sender. Takes no native value: none is there twice.
    function multicall(bytes[] calldata acts) external {
        for (uint256 i; i < acts.length; ++i) Self.act(acts[i]);
    }
}
