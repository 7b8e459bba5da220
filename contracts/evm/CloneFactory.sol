// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Malformed, OwnerRefused} from "./Errors.sol";
import {OwnerWord} from "./OwnerWord.sol";

/// @title Makes accounts whose address is known before they are there
/// @notice The address follows from owner, flags and salt, for they are part of the code that makes the account: whoever
/// deploys it, it belongs to that owner. So there is nothing to initialise, and nobody to be first.
contract CloneFactory {
    uint256 private constant FLAG_PERSONAL = 1;

    /// @notice The code that every clone runs.
    address public immutable implementation;

    /// @notice The account is there from now on.
    event Deployed(address indexed account, address indexed owner);

    constructor(address code) {
        implementation = code;
    }

    /// @notice Makes the account, if it is not there yet, and calls it with `act`, if that is not empty. Native value
    /// sent along goes to the account by itself, in front of the act, which carries none.
    /// @dev The account sees this contract as the sender: an act stands on the signatures in it.
    /// @param flags 1: the owner may sign by `personal_sign` (EIP-191) too; 0 if not.
    function deploy(address owner, uint8 flags, bytes32 salt, bytes calldata act)
        external
        payable
        returns (address account)
    {
        bytes memory code = _creationCode(owner, flags);
        account = _addressOf(salt, keccak256(code));
        if (account.code.length == 0) {
            assembly ("memory-safe") {
                account := create2(callvalue(), add(code, 0x20), mload(code), salt)
                // Else what was sent would stay here, and the act would go to the zero address and seem done.
                if iszero(account) { revert(0, 0) }
            }
            emit Deployed(account, owner);
        } else if (msg.value != 0) {
            _call(account, msg.value, "");
        }
        if (act.length != 0) _call(account, 0, act);
    }

    /// @notice Where the account is, or will be.
    function addressOf(address owner, uint8 flags, bytes32 salt) external view returns (address) {
        return _addressOf(salt, keccak256(_creationCode(owner, flags)));
    }

    function _addressOf(bytes32 salt, bytes32 codeHash) private view returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"ff", address(this), salt, codeHash)))));
    }

    /// @dev Writes the owner's word, then returns a minimal proxy (ERC-1167).
    function _creationCode(address owner, uint256 flags) private view returns (bytes memory) {
        if (owner == address(0)) revert OwnerRefused();
        if (flags > FLAG_PERSONAL) revert Malformed();
        uint256 word = flags * OwnerWord.PERSONAL + uint160(owner);
        return abi.encodePacked(
            hex"7f", // PUSH32
            word,
            hex"7f",
            OwnerWord.SLOT,
            hex"55_3d602d80604d3d3981f3", // SSTORE; return the 45 bytes that stand behind these 77
            hex"363d3d373d3d3d363d73",
            implementation,
            hex"5af43d82803e903d91602b57fd5bf3"
        );
    }

    function _call(address account, uint256 value, bytes memory data) private {
        (bool done, bytes memory reason) = account.call{value: value}(data);
        if (done) return;
        assembly ("memory-safe") {
            revert(add(reason, 0x20), mload(reason))
        }
    }
}
