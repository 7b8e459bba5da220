// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {
    GrantExpired,
    GrantFrozen,
    GrantNotFrozen,
    GrantRevoked,
    Malformed,
    OnlyAccount,
    SignatureRefused
} from "./Errors.sol";
import {GrantBytes} from "./GrantBytes.sol";
import {GrantState} from "./GrantState.sol";
import {Memory} from "./Memory.sol";
import {Read} from "./Read.sol";
import {Running} from "./Running.sol";
import {Signing} from "./Signing.sol";

/// @title Limited, expiring, revocable power over an account, for whoever holds a session key
/// @notice What every kind of account does alike. A grant travels in the calldata of each use
/// (docs/reference/grant-format.md); one slot holds what is left of it.
abstract contract Sessions is Running {
    bytes32 private constant REVOKE_TYPE = keccak256("Revoke(bytes32 grant)");
    bytes32 private constant FREEZE_TYPE = keccak256("Freeze(bytes32 grant,uint32 sequence)");
    bytes32 private constant UNFREEZE_TYPE = keccak256("Unfreeze(bytes32 grant,uint32 sequence)");

    /// @notice The grant has ended and will never be open again.
    event Revoked(bytes32 indexed grant);
    /// @notice The grant is refused until it is unfrozen.
    event Frozen(bytes32 indexed grant);
    /// @notice The grant is what it was before it was frozen.
    event Unfrozen(bytes32 indexed grant);

    /// @notice Puts a grant on chain before its first use. Nothing happens when it is open already.
    /// @param grant The packed grant.
    /// @param ownerSignature Over the grant's EIP-712 form and the account's epoch.
    function register(bytes calldata grant, bytes calldata ownerSignature) external {
        (uint256 at, bytes32 id, uint256 forbidden) = _wellFormed(grant);
        uint256 header = GrantBytes.headerAt(at);
        if (block.timestamp >= GrantBytes.expiresAt(header)) revert GrantExpired();
        uint256 slot = _slotOf(id);
        uint256 root;
        uint256 word = Read.word(header); // startsAt5 | expiresAt5 | maxCalls4 | flags1
        if (GrantBytes.isTree(word)) root = Read.word(GrantBytes.rulesAt(GrantBytes.capsAt(header, word)));
        bytes32 separator = Signing.separatorAt(Memory.free());
        GrantState.write(slot, _enable(separator, id, at, root, forbidden, GrantState.read(slot), _offsetOf(ownerSignature)));
    }

    /// @notice Ends a grant, whether it was ever used or not. For the account itself.
    function revoke(bytes32 grant) external onlyAccount {
        _revoke(grant);
    }

    /// @notice Ends a grant by the owner's signature, which anyone may submit at any time.
    function revokeSigned(bytes32 grant, bytes calldata signature) external {
        _requireOwner(keccak256(abi.encode(REVOKE_TYPE, grant)), signature);
        _revoke(grant);
    }

    /// @notice Ends a grant by the signature of its own session key, or of the relayer that it binds: whoever alone may
    /// submit its runs may also stop them.
    /// @param grant The packed grant: its id alone does not say who they are.
    function revokeByKey(bytes calldata grant, bytes calldata signature) external {
        (uint256 at, bytes32 id,) = _wellFormed(grant);
        bytes32 digest = Signing.digestOf(keccak256(abi.encode(REVOKE_TYPE, id)));
        uint256 signatureAt = _offsetOf(signature);
        if (signatureAt == 0) revert SignatureRefused();
        if (!_isSignedByKey(at, digest, signatureAt) && !_isSignedByRelayer(at, digest, signatureAt)) {
            revert SignatureRefused();
        }
        _revoke(id);
    }

    /// @notice Refuses every use of a grant until it is unfrozen. For the account itself.
    function freeze(bytes32 grant) external onlyAccount {
        _freeze(grant);
    }

    /// @notice Freezes a grant by the owner's signature over its freeze sequence; anyone may submit it once.
    function freezeSigned(bytes32 grant, bytes calldata signature) external {
        _requireOwner(keccak256(abi.encode(FREEZE_TYPE, grant, uint32(freezeOf(grant)))), signature);
        _freeze(grant);
    }

    /// @notice Makes a frozen grant again what it was before. For the account itself.
    function unfreeze(bytes32 grant) external onlyAccount {
        _unfreeze(grant);
    }

    /// @notice Unfreezes a grant by the owner's signature over its freeze sequence; anyone may submit it once.
    function unfreezeSigned(bytes32 grant, bytes calldata signature) external {
        _requireOwner(keccak256(abi.encode(UNFREEZE_TYPE, grant, uint32(freezeOf(grant)))), signature);
        _unfreeze(grant);
    }

    /// @dev Who may act as the account without a signature.
    function _isAccount(address sender) internal view virtual returns (bool) {
        return sender == address(this);
    }

    /// @notice The state slot of a grant, as the format lays it out.
    function stateOf(bytes32 grant) external view returns (uint256) {
        return GrantState.read(_slotOf(grant));
    }

    /// @notice The slot of cap `cap` (1 to 7) of a grant: window in bits 128-159, spent in bits 0-127.
    function capOf(bytes32 grant, uint8 cap) external view returns (uint256) {
        if (cap == 0 || cap > 7) revert Malformed();
        return GrantState.read(_slotOf(grant) + cap);
    }

    /// @notice The freeze slot of a grant: sequence in bits 0-31, "was open" in bit 32.
    function freezeOf(bytes32 grant) public view returns (uint256) {
        return GrantState.read(_freezeSlotOf(grant));
    }

    modifier onlyAccount() {
        if (!_isAccount(msg.sender)) revert OnlyAccount();
        _;
    }

    /// @dev It stays where it is when the base moves: a sequence that began again would let old signatures count again.
    function _freezeSlotOf(bytes32 id) private pure returns (uint256) {
        return GrantState.slotOf(id, GrantState.NAMESPACE) + GrantState.FREEZE;
    }

    function _requireOwner(bytes32 structHash, bytes calldata signature) internal view {
        uint256 at = _offsetOf(signature);
        if (at == 0 || !_isSignedByOwner(Signing.digestOf(structHash), at, Memory.free())) revert SignatureRefused();
    }

    /// @dev Whether the key of the grant signed `digest`, in one of the forms of a run.
    function _isSignedByKey(uint256 grant, bytes32 digest, uint256 at) internal view returns (bool) {
        unchecked {
            if (GrantBytes.keyType(grant) == GrantBytes.P256) {
                return Signing.isSignedByP256(grant + GrantBytes.KEY, digest, at);
            }
            uint256 v = Read.byteAt(at + 64);
            if (v > 30) (digest, v) = (Signing.personal(digest), v - 4);
            return Signing.isRecovered(GrantBytes.key(grant), digest, at, v, Memory.free());
        }
    }

    function _isSignedByRelayer(uint256 grant, bytes32 digest, uint256 at) private view returns (bool) {
        uint256 header = GrantBytes.headerAt(grant);
        uint256 relayer = uint160(GrantBytes.relayer(header, Read.word(header)));
        return relayer != 0 && Signing.isSignedBy(relayer, digest, at, Memory.free());
    }

    /// @dev Revoking twice is no error: several may hold the same signature. The counters stay readable.
    function _revoke(bytes32 id) private {
        uint256 slot = _slotOf(id);
        uint256 state = GrantState.read(slot);
        if (GrantState.statusOf(state) == GrantState.REVOKED) return;
        GrantState.write(slot, GrantState.withStatus(state, GrantState.REVOKED));
        emit Revoked(id);
    }

    function _freeze(bytes32 id) private {
        uint256 slot = _slotOf(id);
        uint256 state = GrantState.read(slot);
        uint256 status = GrantState.statusOf(state);
        if (status == GrantState.REVOKED) revert GrantRevoked();
        if (status == GrantState.FROZEN) revert GrantFrozen();
        uint256 freezeSlot = _freezeSlotOf(id);
        uint256 next = uint32(GrantState.read(freezeSlot) + 1);
        GrantState.write(freezeSlot, status == GrantState.OPEN ? next | GrantState.WAS_OPEN : next);
        GrantState.write(slot, GrantState.withStatus(state, GrantState.FROZEN));
        emit Frozen(id);
    }

    function _unfreeze(bytes32 id) private {
        uint256 slot = _slotOf(id);
        uint256 state = GrantState.read(slot);
        uint256 status = GrantState.statusOf(state);
        if (status == GrantState.REVOKED) revert GrantRevoked();
        if (status != GrantState.FROZEN) revert GrantNotFrozen();
        uint256 freezeSlot = _freezeSlotOf(id);
        uint256 frozen = GrantState.read(freezeSlot);
        GrantState.write(freezeSlot, uint32(frozen + 1));
        uint256 before = frozen & GrantState.WAS_OPEN != 0 ? GrantState.OPEN : GrantState.NONE;
        GrantState.write(slot, GrantState.withStatus(state, before));
        emit Unfrozen(id);
    }
}
