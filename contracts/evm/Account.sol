// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AnyAccount} from "./AnyAccount.sol";
import {GrantState} from "./GrantState.sol";
import {Memory} from "./Memory.sol";
import {Signing} from "./Signing.sol";

/// @title The code that an externally owned account delegates to (EIP-7702)
/// @notice The owner's key is the account's own key.
contract Account is AnyAccount {
    /// @notice Voids every grant that is signed but was never enabled. For the account itself.
    function raiseEpoch() external onlyAccount {
        GrantState.write(GrantState.EPOCH_SLOT, epoch() + 1);
    }

    /// @notice 0x1626ba7e for a signature of the account's own key over `hash` itself: that key is this account and no
    /// other, so there is nowhere else where such a signature could be submitted (docs/adr/0005-signing-as-the-account.md).
    function isValidSignature(bytes32 hash, bytes calldata signature) external view override returns (bytes4) {
        uint256 at = _offsetOf(signature);
        return at != 0 && Signing.isSignedBy(uint160(address(this)), hash, at, Memory.free()) ? VALID : INVALID;
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
