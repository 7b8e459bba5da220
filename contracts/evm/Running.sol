// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Calls} from "./Calls.sol";
import {Enabling} from "./Enabling.sol";
import {
    DeadlinePassed,
    GrantExpired,
    GrantNotStarted,
    Malformed,
    RelayerNotAllowed
} from "./Errors.sol";
import {GrantBytes} from "./GrantBytes.sol";
import {GrantState} from "./GrantState.sol";
import {P256} from "./P256.sol";
import {Read} from "./Read.sol";
import {RuleTree} from "./RuleTree.sol";
import {Rules} from "./Rules.sol";
import {Run} from "./Run.sol";
import {Signing} from "./Signing.sol";
import {Vouching} from "./Vouching.sol";

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
            Run.make();
            bytes32 separator = Signing.separatorAt(Run.PLAN);
            (bytes32 hash, uint256 calls) = _open(separator);
            uint256 between = Read.word(calls); // nonce4 | deadline5 | n1
            calls += BETWEEN;
            uint256 end = Run.callsEnd();
            _requireSessionKey(Signing.runDigest(separator, hash, between, calls, end, Run.PLAN), end);
            uint256 state = GrantState.useNonce(Run.state(), between >> 224);
            Run.setState(GrantState.countCalls(state, (between >> 176) & 0xff, Run.maxCalls()));
            uint256 planEnd = Calls.check(calls);
            GrantState.write(Run.stateSlot(), Run.state());
            Calls.perform(planEnd);
        }
    }

    /// @dev Finds the grant of the run open, in its time and for this relayer; else opens it, or refuses. Returns the hash of
    /// the grant as the run carries it, and where nonce4 | deadline5 | calls stand.
    function _open(bytes32 separator) private returns (bytes32 hash, uint256 at) {
        unchecked {
            uint256 head = Read.word(4); // head2 | version1 | keyType1 | ...
            at = GRANT + ((head >> 240) & (FIRST - 1));
            uint256 end = msg.data.length - SIGNATURE - SIGNATURE * (head >> 255);
            // Signed: in calldata that is too short for its signatures, `end` is below zero.
            if (int256(at + BETWEEN) >= int256(end)) revert Malformed();
            hash = Read.hash(GRANT, at, Run.PLAN);
            bytes32 id = hash;
            uint256 word = Read.word(HEADER); // startsAt5 | expiresAt5 | maxCalls4 | flags1
            uint256 isUnusual;
            assembly ("memory-safe") {
                isUnusual := or(byte(3, head), byte(14, word)) // key type, flags
            }
            bool isDoubtful;
            if (isUnusual == 0) {
                Run.setGrant(end, word, HEADER + 15);
            } else {
                uint256 header = GrantBytes.headerAt(GRANT);
                word = Read.word(header);
                Run.setGrant(end, word, GrantBytes.capsAt(header, word));
                (id, isDoubtful) = _readUnusual(hash, at, header, word);
            }
            uint256 slot = _slotOf(id);
            uint256 state = GrantState.read(slot);
            Run.setSlot(slot, state);
            bool isInTime = _isInTime(word, at);
            bool isOpen;
            assembly ("memory-safe") {
                isOpen := gt(and(isInTime, eq(shr(254, state), 1)), isDoubtful)
            }
            if (!isOpen) _openOrRefuse(separator, id, at, isInTime);
        }
    }

    /// @dev What only a grant with a bound relayer or with rules in a tree says. Rules of a tree are parsed at each use:
    /// nobody saw them when the grant was enabled. Returns the id of the grant, and whether the relayer is another or a
    /// rule is forbidden.
    function _readUnusual(bytes32 hash, uint256 at, uint256 header, uint256 word)
        private
        view
        returns (bytes32 id, bool isDoubtful)
    {
        id = hash;
        isDoubtful = _isStranger(header, word);
        if (GrantBytes.isTree(word)) {
            uint256 rules = Run.rulesAt();
            (uint256 root, uint256 forbidden) = RuleTree.requireRoot(rules, Run.nCaps(), at, Run.PLAN);
            id = RuleTree.idOf(GRANT, rules, root, Run.PLAN);
            if (forbidden != 0) isDoubtful = true;
            Run.setTree(root, forbidden);
        }
    }

    /// @dev Whether the grant binds another relayer. (One of zeros is malformed.)
    function _isStranger(uint256 header, uint256 word) private view returns (bool) {
        address relayer = GrantBytes.relayer(header, word);
        return relayer != address(0) && msg.sender != relayer;
    }

    /// @dev Three questions in no branch: the grant has started, has not expired, and the deadline is not reached. `word`
    /// begins with the header; the deadline stands 4 behind `between`.
    function _isInTime(uint256 word, uint256 between) private view returns (bool isInTime) {
        assembly ("memory-safe") {
            let isEarly := lt(timestamp(), shr(216, word))
            isInTime := lt(timestamp(), shr(216, shl(40, word)))
            isInTime := and(isInTime, lt(timestamp(), shr(216, shl(32, calldataload(between)))))
            isInTime := gt(isInTime, isEarly)
        }
    }

    /// @dev Asks one by one, in the order of the format, what `_open` asked at once. What is listed in an open grant was
    /// parsed when it was enabled.
    function _openOrRefuse(bytes32 separator, bytes32 id, uint256 at, bool isInTime) private {
        unchecked {
            (uint256 root, uint256 forbidden) = Run.tree();
            uint256 state = Run.state();
            uint256 word = Run.header();
            if (GrantState.statusOf(state) != GrantState.OPEN) {
                GrantBytes.requireWellFormedHead(GRANT, word, Run.capsAt() - 1);
                if (root == 0) {
                    uint256 rulesEnd;
                    (rulesEnd, forbidden) = Rules.requireWellFormed(Run.rulesAt(), Run.nCaps());
                    if (rulesEnd != at) revert Malformed();
                }
            }
            if (!isInTime) {
                if (block.timestamp < word >> 216) revert GrantNotStarted();
                if (block.timestamp >= (word >> 176) & SECONDS) revert GrantExpired();
                revert DeadlinePassed();
            }
            if (GrantBytes.hasRelayer(word)) {
                if (_isStranger(GrantBytes.headerAt(GRANT), word)) revert RelayerNotAllowed();
            }
            uint256 signature;
            if (Read.uint16At(4) >= FIRST) signature = Run.callsEnd() + SIGNATURE;
            Run.setState(_enable(separator, id, GRANT, root, forbidden, state, signature));
        }
    }

    /// @dev The signature of `digest` stands at `end`, where the calls end.
    function _requireSessionKey(bytes32 digest, uint256 end) private {
        unchecked {
            uint256 v = Read.byteAt(end + 64);
            bool isSigned;
            if (v - 27 < 2) isSigned = Signing.isRecovered(GrantBytes.key(GRANT), digest, end, v, Run.PLAN);
            if (!isSigned) _requireOtherwise(digest, end, v);
        }
    }

    /// @dev By a P-256 key; in the EIP-191 form; by nothing but sending this as the session key; or in another form, for
    /// which the account vouches.
    function _requireOtherwise(bytes32 digest, uint256 at, uint256 v) private {
        unchecked {
            bool isSigned;
            if (GrantBytes.keyType(GRANT) == GrantBytes.P256) {
                isSigned = Signing.isSignedByP256(GRANT + GrantBytes.KEY, digest, at);
            } else {
                uint256 key = GrantBytes.key(GRANT);
                isSigned = uint160(msg.sender) == key;
                if (!isSigned) {
                    // Without this question each run that is vouched for would ask for a signature, 3,000 in vain.
                    if (v > 30) isSigned = Signing.isRecovered(key, Signing.personal(digest), at, v - 4, Run.PLAN);
                }
            }
            if (!isSigned) Vouching.requireTaken(Run.PLAN);
        }
    }
}
