// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Calls} from "./Calls.sol";
import {
    DeadlinePassed,
    GrantExpired,
    GrantFrozen,
    GrantNotFrozen,
    GrantNotStarted,
    GrantRevoked,
    Malformed,
    NotGranted,
    OnlyAccount,
    RelayerNotAllowed,
    SignatureRefused
} from "./Errors.sol";
import {GrantBytes} from "./GrantBytes.sol";
import {GrantHash} from "./GrantHash.sol";
import {GrantState} from "./GrantState.sol";
import {Read} from "./Read.sol";
import {Run, Runs} from "./Run.sol";
import {Signing} from "./Signing.sol";

/// @title Limited, expiring, revocable power over an account, for whoever holds a session key
/// @notice What every kind of account does alike. A grant travels in the calldata of each use
/// (docs/reference/grant-format.md); one slot holds what is left of it.
abstract contract Sessions {
    uint256 private constant SIGNATURE = 65;
    uint256 private constant RUN_GRANT = 6; // selector4 | head2 | grant
    uint256 private constant RUN_LENGTH = 0x7fff; // in head2: the length of the grant, below the bit "owner signature"
    uint256 private constant RUN_BETWEEN = 9; // nonce4 | deadline5, between the grant and the calls
    uint256 private constant SECONDS = 0xffffffffff;
    bytes32 private constant REVOKE_TYPE = keccak256("Revoke(bytes32 grant)");
    bytes32 private constant FREEZE_TYPE = keccak256("Freeze(bytes32 grant,uint32 sequence)");
    bytes32 private constant UNFREEZE_TYPE = keccak256("Unfreeze(bytes32 grant,uint32 sequence)");

    /// @notice The grant is open from now on.
    event Granted(bytes32 indexed grant);
    /// @notice The grant has ended and will never be open again.
    event Revoked(bytes32 indexed grant);
    /// @notice The grant is refused until it is unfrozen.
    event Frozen(bytes32 indexed grant);
    /// @notice The grant is what it was before it was frozen.
    event Unfrozen(bytes32 indexed grant);

    /// @notice Makes the calls of one run under a grant, signed by its session key. Anyone may submit it, unless the
    /// grant binds the relayer. The calldata is packed, not ABI-encoded; native value sent along stays in the account.
    /// @dev The order of the checks is part of the format. State is written before the first call is made.
    function applyRun() external payable {
        unchecked {
            uint256 head = Read.uint16At(4);
            uint256 isFirst = head >> 15;
            uint256 at = RUN_GRANT + (head & RUN_LENGTH);
            if (at + RUN_BETWEEN + 1 + SIGNATURE + SIGNATURE * isFirst > msg.data.length) revert Malformed();
            uint256 header = GrantBytes.header(RUN_GRANT);
            uint256 end = msg.data.length - SIGNATURE - SIGNATURE * isFirst;
            uint256 caps = GrantBytes.capsAt(RUN_GRANT, header);
            bytes32 id = Read.hash(RUN_GRANT, at);
            uint256 slot = _slotOf(id);
            Run run = Runs.open(caps, end, slot, header >> 216);
            uint256 state = GrantState.read(slot);
            bool isOpen = GrantState.statusOf(state) == GrantState.OPEN;
            if (!isOpen) _requireWellFormed(RUN_GRANT, at);
            uint256 between = Read.word(at); // nonce4 | deadline5 | n1
            at += RUN_BETWEEN;
            _requireTime(header, between);
            if (!isOpen) state = _enable(id, RUN_GRANT, state, isFirst == 0 ? 0 : run.callsEnd() + SIGNATURE);
            _requireSessionKey(id, between, at, run.callsEnd());
            state = GrantState.useNonce(state, between >> 224);
            state = GrantState.countCalls(state, (between >> 176) & 0xff, (header >> 144) & type(uint32).max);
            GrantState.write(slot, Calls.check(run, at, state));
            Calls.perform(run);
        }
    }

    /// @notice Puts a grant on chain before its first use. Nothing happens when it is open already.
    /// @param grant The packed grant.
    /// @param ownerSignature Over the grant's EIP-712 form and the account's epoch.
    function register(bytes calldata grant, bytes calldata ownerSignature) external {
        (uint256 at, bytes32 id) = _wellFormed(grant);
        if (block.timestamp >= GrantBytes.expiresAt(at)) revert GrantExpired();
        uint256 slot = _slotOf(id);
        uint256 state = GrantState.read(slot);
        GrantState.write(slot, _enable(id, at, state, _offsetOf(ownerSignature)));
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

    /// @notice Ends a grant by the signature of its own session key.
    /// @param grant The packed grant: its id alone does not say which key that is.
    function revokeByKey(bytes calldata grant, bytes calldata signature) external {
        (uint256 at, bytes32 id) = _wellFormed(grant);
        bytes32 digest = Signing.digestOf(keccak256(abi.encode(REVOKE_TYPE, id)));
        _requireSigned(GrantBytes.key(at), digest, signature);
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

    /// @notice The epoch over which grants are signed now.
    function epoch() public view virtual returns (uint64);

    /// @dev Whose signature opens, freezes and ends grants.
    function _owner() internal view virtual returns (address);

    /// @dev Whether the 65 bytes of calldata from `at` on are the owner's signature of `digest`.
    function _isSignedByOwner(bytes32 digest, uint256 at) internal view virtual returns (bool) {
        return Signing.isSignedBy(_owner(), digest, at);
    }

    /// @dev What the place of every state slot is hashed with (`GrantState.slotOf`).
    function _base() internal view virtual returns (uint256);

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

    function _slotOf(bytes32 id) internal view returns (uint256) {
        return GrantState.slotOf(id, _base());
    }

    /// @dev It stays where it is when the base moves: a sequence that began again would let old signatures count again.
    function _freezeSlotOf(bytes32 id) private pure returns (uint256) {
        return GrantState.slotOf(id, GrantState.NAMESPACE) + GrantState.FREEZE;
    }

    function _wellFormed(bytes calldata grant) internal pure returns (uint256 at, bytes32 id) {
        assembly ("memory-safe") {
            at := grant.offset
        }
        unchecked {
            _requireWellFormed(at, at + grant.length);
        }
        id = keccak256(grant);
    }

    function _requireWellFormed(uint256 grant, uint256 end) private pure {
        if (!GrantBytes.isWellFormed(grant, end)) revert Malformed();
    }

    /// @dev The offset of a signature of the right length, else 0.
    function _offsetOf(bytes calldata signature) internal pure returns (uint256 at) {
        if (signature.length != SIGNATURE) return 0;
        assembly ("memory-safe") {
            at := signature.offset
        }
    }

    /// @dev `between` begins with nonce4 | deadline5.
    function _requireTime(uint256 header, uint256 between) private view {
        unchecked {
            uint256 expiresAt = (header >> 176) & SECONDS;
            uint256 deadline = (between >> 184) & SECONDS;
            uint256 relayerFlag = header & GrantBytes.FLAG_RELAYER;
            bool isPlain;
            assembly ("memory-safe") {
                // One branch for four questions; which of them stands in the way is asked only when one does.
                let early := lt(timestamp(), shr(216, header))
                let inTime := and(lt(timestamp(), expiresAt), lt(timestamp(), deadline))
                isPlain := gt(inTime, or(early, relayerFlag))
            }
            if (!isPlain) {
                if (block.timestamp < header >> 216) revert GrantNotStarted();
                if (block.timestamp >= expiresAt) revert GrantExpired();
                if (block.timestamp >= deadline) revert DeadlinePassed();
                if (msg.sender != GrantBytes.relayer(RUN_GRANT)) revert RelayerNotAllowed();
            }
        }
    }

    /// @dev Returns the state of the grant, open now. The owner's signature stands at `signature`, 0 for none.
    function _enable(bytes32 id, uint256 grant, uint256 state, uint256 signature) private returns (uint256) {
        uint256 status = GrantState.statusOf(state);
        if (status == GrantState.OPEN) return state;
        if (status == GrantState.REVOKED) revert GrantRevoked();
        if (status == GrantState.FROZEN) revert GrantFrozen();
        GrantBytes.requireForeignTargets(grant);
        if (signature == 0) revert NotGranted();
        bytes32 digest = Signing.digestOf(GrantHash.structHash(grant, epoch()));
        if (!_isSignedByOwner(digest, signature)) revert NotGranted();
        emit Granted(id);
        return GrantState.withStatus(state, GrantState.OPEN);
    }

    function _requireSessionKey(bytes32 id, uint256 between, uint256 calls, uint256 end) private view {
        bytes32 digest = Signing.runDigest(id, between >> 224, (between >> 184) & SECONDS, Read.hash(calls, end));
        if (!Signing.isRunSignedBy(GrantBytes.key(RUN_GRANT), digest, end)) {
            // Who submits a run as the session key itself need not sign it.
            if (msg.sender != GrantBytes.key(RUN_GRANT)) revert SignatureRefused();
        }
    }

    function _requireOwner(bytes32 structHash, bytes calldata signature) internal view {
        uint256 at = _offsetOf(signature);
        if (at == 0 || !_isSignedByOwner(Signing.digestOf(structHash), at)) revert SignatureRefused();
    }

    function _requireSigned(address signer, bytes32 digest, bytes calldata signature) private view {
        uint256 at = _offsetOf(signature);
        if (at == 0 || !Signing.isSignedBy(signer, digest, at)) revert SignatureRefused();
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
