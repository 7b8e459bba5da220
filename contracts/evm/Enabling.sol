// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {GrantFrozen, GrantRevoked, KeyTypeRefused, NotGranted, TargetForbidden} from "./Errors.sol";
import {GrantBytes} from "./GrantBytes.sol";
import {GrantHash} from "./GrantHash.sol";
import {GrantState} from "./GrantState.sol";
import {P256} from "./P256.sol";
import {Read} from "./Read.sol";
import {Run} from "./Run.sol";
import {Signing} from "./Signing.sol";

/// @title How a grant becomes open: by the owner's signature, once
/// @notice Also what an account must say of itself: whose it is, and where its grants stand.
abstract contract Enabling {
    uint256 internal constant SIGNATURE = 65;

    /// @notice The grant is open from now on.
    event Granted(bytes32 indexed grant);

    /// @notice The epoch over which grants are signed now.
    function epoch() public view virtual returns (uint64);

    /// @dev Whose signature opens, freezes and ends grants.
    function _owner() internal view virtual returns (address);

    /// @dev Whether the 65 bytes of calldata from `at` on are the owner's signature of `digest`; asked in `buffer`.
    function _isSignedByOwner(bytes32 digest, uint256 at, uint256 buffer) internal view virtual returns (bool) {
        return Signing.isSignedBy(uint160(_owner()), digest, at, buffer);
    }

    /// @dev What the place of every state slot is hashed with (`GrantState.slotOf`).
    function _base() internal view virtual returns (uint256);

    function _slotOf(bytes32 id) internal view returns (uint256) {
        return GrantState.slotOf(id, _base());
    }

    /// @dev The offset and the id of a grant that follows the format, and which of its rules is forbidden.
    function _wellFormed(bytes calldata grant) internal view returns (uint256 at, bytes32 id, uint256 forbidden) {
        assembly ("memory-safe") {
            at := grant.offset
        }
        unchecked {
            uint256 header = GrantBytes.headerAt(at);
            uint256 word = Read.word(header);
            forbidden = GrantBytes.requireWellFormed(at, word, GrantBytes.capsAt(header, word), at + grant.length);
        }
        id = keccak256(grant);
    }

    /// @dev The offset of a signature of the right length, else 0.
    function _offsetOf(bytes calldata signature) internal pure returns (uint256 at) {
        if (signature.length != SIGNATURE) return 0;
        assembly ("memory-safe") {
            at := signature.offset
        }
    }

    /// @dev Returns the state of the grant, open now. What the owner signed is hashed behind `Run.PLAN`, so nothing may be
    /// kept there by those who call this. The grant at `grant` is well formed; its rules are in the tree with
    /// this `root`, or listed if it is 0. The rule before `forbidden` is forbidden, if that is not 0. The owner's
    /// signature stands at `signature`, 0 for none; `separator` is the hash of the domain.
    function _enable(
        bytes32 separator,
        bytes32 id,
        uint256 grant,
        uint256 root,
        uint256 forbidden,
        uint256 state,
        uint256 signature
    ) internal returns (uint256) {
        uint256 status = GrantState.statusOf(state);
        if (status | forbidden != 0) {
            // One branch for all that is seldom so.
            if (status == GrantState.REVOKED) revert GrantRevoked();
            if (status == GrantState.FROZEN) revert GrantFrozen();
            if (forbidden != 0) revert TargetForbidden(forbidden - 1);
            return state;
        }
        if (GrantBytes.keyType(grant) == GrantBytes.P256) {
            if (!P256.isChecked()) revert KeyTypeRefused();
        }
        if (signature == 0) revert NotGranted();
        bytes32 digest = Signing.digestUnder(separator, GrantHash.structHash(grant, root, epoch()), Run.PLAN);
        if (!_isSignedByOwner(digest, signature, Run.PLAN)) revert NotGranted();
        emit Granted(id);
        return GrantState.withStatus(state, GrantState.OPEN);
    }
}
