// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AnyAccount} from "./AnyAccount.sol";
import {ERC7739} from "./ERC7739.sol";
import {Memory} from "./Memory.sol";
import {OwnerRefused} from "./Errors.sol";
import {GrantState} from "./GrantState.sol";
import {OwnerWord} from "./OwnerWord.sol";
import {Read} from "./Read.sol";
import {Signing} from "./Signing.sol";

/// @title The code behind the accounts that `CloneFactory` makes
/// @notice The owner is kept in a slot and can be changed; that, or raising the epoch, ends every session at once.
/// @dev Nothing here initialises anything: a clone is born with its owner (`CloneFactory`). At its own address this code
/// has the zero address for an owner, for whom nobody can sign or send.
contract CloneAccount is AnyAccount {
    bytes32 private constant TRANSFER_TYPE = keccak256("TransferOwnership(address newOwner,uint64 epoch)");

    /// @notice Every session from before this epoch has ended, whoever granted it.
    event EpochRaised(uint64 indexed epoch);
    /// @notice The account belongs to `newOwner` (ERC-173).
    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);

    /// @notice Ends every session, and voids every grant that is signed. For the account itself or its owner.
    function raiseEpoch() external onlyAccount {
        emit EpochRaised(OwnerWord.next(owner()));
    }

    /// @notice Makes `newOwner` the owner and ends every session. For the account itself or its owner.
    function transferOwnership(address newOwner) external onlyAccount {
        _transferOwnership(newOwner);
    }

    /// @notice Changes the owner by a signature of the present one over the present epoch; anyone may submit it, once.
    function transferOwnershipSigned(address newOwner, bytes calldata signature) external {
        _requireOwner(keccak256(abi.encode(TRANSFER_TYPE, newOwner, epoch())), signature);
        _transferOwnership(newOwner);
    }

    /// @notice 0x1626ba7e for a signature of the owner over `hash` in one of the two forms of ERC-7739.
    function isValidSignature(bytes32 hash, bytes calldata signature) external view override returns (bytes4) {
        if (hash == ERC7739.DETECTION) return ERC7739.DETECTED;
        bytes32 digest = ERC7739.digestOf(hash, signature);
        return digest != 0 && _isSignedByOwner(digest, _offsetOf(signature[:SIGNATURE]), Memory.free()) ? VALID : INVALID;
    }

    /// @notice Who grants, ends and executes.
    function owner() public view returns (address) {
        return OwnerWord.ownerOf(OwnerWord.read());
    }

    /// @notice Whether the owner may sign by `personal_sign` (EIP-191) too. Decided when the account is made.
    function isPersonal() public view returns (bool) {
        return OwnerWord.read() & OwnerWord.PERSONAL != 0;
    }

    /// @notice The epoch over which grants are signed, and in which every session lives that is open.
    function epoch() public view override returns (uint64) {
        return OwnerWord.epochOf(OwnerWord.read());
    }

    function _transferOwnership(address newOwner) private {
        // Nobody signs for either of them: the account would be lost.
        if (newOwner == address(0) || newOwner == address(this)) revert OwnerRefused();
        emit OwnershipTransferred(owner(), newOwner);
        emit EpochRaised(OwnerWord.next(newOwner));
    }

    function _owner() internal view override returns (address) {
        return owner();
    }

    function _base() internal view override returns (uint256) {
        return GrantState.NAMESPACE + epoch();
    }

    function _isAccount(address sender) internal view override returns (bool) {
        return sender == address(this) || sender == owner();
    }

    /// @dev `v` 31 or 32 stands for the EIP-191 form, on accounts with that flag.
    function _isSignedByOwner(bytes32 digest, uint256 at, uint256 buffer) internal view override returns (bool) {
        unchecked {
            uint256 word = OwnerWord.read();
            uint256 v = Read.byteAt(at + 64);
            if (v > 30 && word & OwnerWord.PERSONAL != 0) (digest, v) = (Signing.personal(digest), v - 4);
            return Signing.isRecovered(uint160(word), digest, at, v, buffer);
        }
    }
}
