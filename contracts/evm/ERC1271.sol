// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Sessions} from "./Sessions.sol";

/// @title Signatures as the account: the owner's alone (ERC-1271), and the domain of what is signed (ERC-5267)
/// @notice A session key signs its runs, their calls, and its own end; there is no form of signature by which it could
/// sign as the account.
abstract contract ERC1271 is Sessions {
    bytes4 internal constant VALID = 0x1626ba7e;
    bytes4 internal constant INVALID = 0xffffffff;

    /// @notice 0x1626ba7e if `signature` is the owner's over `hash` for this account, 0xffffffff if not.
    function isValidSignature(bytes32 hash, bytes calldata signature) external view virtual returns (bytes4);

    /// @notice The EIP-712 domain of everything that is signed for this account.
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (0x0f, "valetkey", "1", block.chainid, address(this), 0, extensions);
    }
}
