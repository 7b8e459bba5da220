// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Calls} from "./Calls.sol";
import {Enabling} from "./Enabling.sol";
import {
    DeadlinePassed,
    GrantExpired,
    GrantNotStarted,
    Malformed,
    RelayerNotAllowed,
    SignatureRefused
} from "./Errors.sol";
import {GrantBytes} from "./GrantBytes.sol";
import {GrantState} from "./GrantState.sol";
import {P256} from "./P256.sol";
import {Read} from "./Read.sol";
import {RuleTree} from "./RuleTree.sol";
import {Rules} from "./Rules.sol";
import {Run, Runs} from "./Run.sol";
import {Signing} from "./Signing.sol";

/// @title Runs: calls under a grant, signed by its session key
/// @dev run = selector4 | head2 | grant | nonce4 | deadline5 | calls | signature65 | [ownerSignature65]
abstract contract Running is Enabling {
    uint256 private constant GRANT = 6;
    uint256 private constant HEADER = GRANT + GrantBytes.SECP256K1_HEADER; // under a secp256k1 key
    uint256 private constant FIRST = 0x8000; // in head2: the owner's signature follows; below it, the grant's length
    uint256 private constant BETWEEN = 9; // nonce4 | deadline5, between the grant and the calls
    uint256 private constant SECONDS = 0xffffffffff;

    /// @notice Makes the calls of one run under a grant, signed by its session key. Anyone may submit it, unless the
    /// grant binds the relayer. The calldata is packed, not ABI-encoded; native value sent along stays in the account.
    /// @dev The order of the checks is part of the format. State is written before the first call is made.
    function applyRun() external payable {
        unchecked {
            Run run = Runs.make();
            if (!_openPlain(run)) _open(run);
            uint256 calls = run.betweenAt();
            uint256 between = Read.word(calls); // nonce4 | deadline5 | n1
            calls += BETWEEN;
            _requireSessionKey(run, between, calls, run.callsEnd());
            uint256 state = GrantState.useNonce(run.state(), between >> 224);
            run.setState(GrantState.countCalls(state, (between >> 176) & 0xff, run.maxCalls()));
            uint256 planEnd = Calls.check(run, calls);
            GrantState.write(run.stateSlot(), run.state());
            Calls.perform(run, planEnd);
        }
    }

    /// @dev The usual run: an open grant, in its time, with a secp256k1 key, any relayer and listed rules. Every question
    /// that `_open` asks one by one is in two branches here. Says no if the run is not of this kind, or to be refused.
    function _openPlain(Run run) private view returns (bool isPlain) {
        unchecked {
            uint256 header = Read.word(HEADER); // startsAt5 | expiresAt5 | maxCalls4 | flags1
            uint256 at = Read.uint16At(4);
            assembly ("memory-safe") {
                let isUnusual := or(byte(1, calldataload(GRANT)), byte(14, header)) // key type, flags
                isPlain := and(lt(at, FIRST), iszero(isUnusual))
                at := add(at, GRANT)
                isPlain := and(isPlain, lt(add(at, add(BETWEEN, SIGNATURE)), calldatasize()))
            }
            if (isPlain) {
                bytes32 id = Read.hash(GRANT, at);
                run.setGrant(id, at, msg.data.length - SIGNATURE, header, HEADER + 15);
                uint256 slot = _slotOf(id);
                uint256 state = GrantState.read(slot);
                run.setSlot(slot, state);
                assembly ("memory-safe") {
                    let isEarly := lt(timestamp(), shr(216, header))
                    let isInTime := lt(timestamp(), shr(216, shl(40, header)))
                    isInTime := and(isInTime, lt(timestamp(), shr(216, shl(32, calldataload(at)))))
                    isPlain := and(eq(shr(254, state), 1), gt(isInTime, isEarly))
                }
            }
        }
    }

    /// @dev Any run whose grant is open, or opened by the owner's signature that it brings.
    function _open(Run run) private {
        unchecked {
            uint256 head = Read.uint16At(4);
            uint256 isFirst = head / FIRST;
            uint256 at = GRANT + (head & (FIRST - 1));
            uint256 end = msg.data.length - SIGNATURE - SIGNATURE * isFirst;
            if (at + BETWEEN + SIGNATURE * (1 + isFirst) >= msg.data.length) revert Malformed();
            uint256 header = GrantBytes.headerAt(GRANT);
            uint256 caps = GrantBytes.capsAt(header);
            bytes32 id = Read.hash(GRANT, at);
            run.setGrant(id, at, end, Read.word(header), caps);
            uint256 ownerSignature = isFirst * (end + SIGNATURE);
            if (GrantBytes.isTree(header)) return _openTree(run, header, caps, ownerSignature);
            uint256 slot = _slotOf(id);
            uint256 state = GrantState.read(slot);
            run.setSlot(slot, state);
            // What is open was parsed when it was enabled.
            if (GrantState.statusOf(state) == GrantState.OPEN) return _requireTime(header, at);
            uint256 forbidden = GrantBytes.requireWellFormed(GRANT, header, caps, at);
            _requireTime(header, at);
            run.setState(_enable(id, GRANT, 0, forbidden, state, ownerSignature));
        }
    }

    /// @dev A run that brings rules of a tree. They are parsed at each use: nobody saw them when the grant was enabled.
    function _openTree(Run run, uint256 header, uint256 caps, uint256 ownerSignature) private {
        uint256 at = run.betweenAt();
        (uint256 root, uint256 forbidden) = RuleTree.requireRoot(run.rulesAt(), Read.byteAt(caps), at);
        bytes32 id = RuleTree.idOf(GRANT, run.rulesAt(), root);
        uint256 slot = _slotOf(id);
        uint256 state = GrantState.read(slot);
        run.setSlot(slot, state);
        bool isOpen = GrantState.statusOf(state) == GrantState.OPEN;
        if (!isOpen) GrantBytes.requireWellFormedHead(GRANT, header, caps);
        _requireTime(header, at);
        if (!isOpen || forbidden != 0) run.setState(_enable(id, GRANT, root, forbidden, state, ownerSignature));
    }

    /// @dev The deadline stands 4 behind `between`.
    function _requireTime(uint256 header, uint256 between) private view {
        uint256 word = Read.word(header); // startsAt5 | expiresAt5 | maxCalls4 | flags1
        if (block.timestamp < word >> 216) revert GrantNotStarted();
        if (block.timestamp >= (word >> 176) & SECONDS) revert GrantExpired();
        if (block.timestamp >= (Read.word(between) >> 184) & SECONDS) revert DeadlinePassed();
        if ((word >> 136) & GrantBytes.FLAG_RELAYER != 0) {
            if (msg.sender != GrantBytes.relayer(header)) revert RelayerNotAllowed();
        }
    }

    /// @dev The signature stands at `end`, where the calls end.
    function _requireSessionKey(Run run, uint256 between, uint256 calls, uint256 end) private view {
        unchecked {
            bytes32 digest = Signing.runDigest(run.grantHash(), between, calls, end);
            uint256 v = Read.byteAt(end + 64);
            bool isSigned;
            if (v - 27 < 2) isSigned = Signing.isRecovered(GrantBytes.key(GRANT), digest, end, v);
            if (!isSigned) _requireOtherwise(digest, end, v);
        }
    }

    /// @dev By a P-256 key; in the EIP-191 form; or by nothing but sending this as the session key.
    function _requireOtherwise(bytes32 digest, uint256 at, uint256 v) private view {
        unchecked {
            bool isSigned;
            if (GrantBytes.keyType(GRANT) == GrantBytes.P256) {
                isSigned = Signing.isSignedByP256(GRANT + GrantBytes.KEY, digest, at);
            } else {
                uint256 key = GrantBytes.key(GRANT);
                isSigned = uint160(msg.sender) == key || Signing.isRecovered(key, Signing.personal(digest), at, v - 4);
            }
            if (!isSigned) revert SignatureRefused();
        }
    }
}
