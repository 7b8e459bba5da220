// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title The token that gas is measured with: OpenZeppelin's ERC-20 5.1.0, and anyone may mint
/// @notice Compiled for the tests only, as most tokens are: 200 runs, not via IR.
contract HarnessToken is ERC20("Harness", "HRN") {
    /// @notice Gives `to` another `value` units out of nothing.
    function mint(address to, uint256 value) external {
        _mint(to, value);
    }
}
