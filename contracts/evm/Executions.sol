// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Malformed} from "./Errors.sol";

/// @notice One call that somebody asks the account to make: ERC-7579 says Execution, ERC-7821 says Call.
struct Execution {
    address target;
    uint256 value;
    bytes data;
}

/// @title Lists of executions, ABI-encoded
library Executions {
    /// @notice The list in abi.encode(list), or in abi.encode(list, ...).
    /// @dev Members are not checked here: Solidity checks each against the end of the calldata where it is read, and what
    /// is read is both what is signed or checked, and what is done.
    function listOf(bytes calldata data) internal pure returns (Execution[] calldata list) {
        if (data.length < 64) revert Malformed();
        assembly ("memory-safe") {
            let at := add(data.offset, calldataload(data.offset))
            list.length := calldataload(at)
            list.offset := add(at, 0x20)
        }
    }
}
