// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Malformed} from "./Errors.sol";
import {Read} from "./Read.sol";
import {Rules} from "./Rules.sol";

/// @title Rules of which a run brings only those that it uses
/// @notice A grant keeps the root of a Merkle tree; a run brings rules and their proofs in its place (the open form).
/// @dev openRules = nRules1 | rule* | proof*, with proof = depth1 | sibling32*, from the leaf up. A leaf and a node are
/// hashed behind different bytes, so none can be taken for the other.
library RuleTree {
    uint256 private constant MAX_DEPTH = 32;
    uint256 private constant LEAF = 0;
    uint256 private constant NODE = 1;

    /// @notice The one root that all proofs lead to. Reverts if a rule or a proof is malformed or wide, if two proofs lead
    /// to different roots, or if the last one does not end just before `end`.
    /// Says also which rule is forbidden, as `Rules.requireWellFormed` does.
    /// @param rules Where the open rules stand.
    /// @param buffer Memory that nobody else needs (`Memory`).
    function requireRoot(uint256 rules, uint256 nCaps, uint256 end, uint256 buffer)
        internal
        view
        returns (uint256 root, uint256 forbidden)
    {
        unchecked {
            uint256 proof;
            (proof, forbidden) = Rules.requireWellFormed(rules, nCaps);
            uint256 rule = rules + 1;
            uint256 heads;
            for (uint256 left = Read.byteAt(rules); left != 0; --left) {
                uint256 word = Read.word(rule); // length2 | head1 | ...
                uint256 next = rule + 2 + (word >> 240);
                uint256 other = root;
                heads |= word;
                (root, proof) = _climb(_leaf(rule, next, buffer), proof, buffer);
                if (rule != rules + 1) {
                    if (root != other) revert Malformed();
                }
                rule = next;
            }
            // Of all heads, the bit that says wide.
            if (proof != end || heads & (Rules.ANY_SELECTOR << 232) != 0) revert Malformed();
        }
    }

    /// @notice The id of the grant at `grant` whose rules, at `rules`, are replaced by `root`.
    function idOf(uint256 grant, uint256 rules, uint256 root, uint256 buffer) internal pure returns (bytes32 id) {
        assembly ("memory-safe") {
            let length := sub(rules, grant)
            calldatacopy(buffer, grant, length)
            mstore(add(buffer, length), root)
            id := keccak256(buffer, add(length, 0x20))
        }
    }

    function _leaf(uint256 rule, uint256 end, uint256 buffer) private pure returns (uint256 hash) {
        assembly ("memory-safe") {
            let length := sub(end, rule)
            mstore8(buffer, LEAF)
            calldatacopy(add(buffer, 1), rule, length)
            hash := keccak256(buffer, add(length, 1))
        }
    }

    /// @dev The root above `hash` by the proof at `proof`, and where that proof ends.
    function _climb(uint256 hash, uint256 proof, uint256 buffer) private pure returns (uint256, uint256 end) {
        unchecked {
            uint256 depth = Read.byteAt(proof);
            if (depth > MAX_DEPTH) revert Malformed();
            end = proof + 1 + (depth << 5);
            assembly ("memory-safe") {
                // NODE in one byte, and behind it two words.
                mstore8(buffer, NODE)
                for { let at := add(proof, 1) } lt(at, end) { at := add(at, 0x20) } {
                    let sibling := calldataload(at)
                    // The smaller of the two stands first.
                    let isLarger := shl(5, gt(hash, sibling))
                    mstore(add(add(buffer, 0x01), isLarger), hash)
                    mstore(sub(add(buffer, 0x21), isLarger), sibling)
                    hash := keccak256(buffer, 0x41)
                }
            }
            return (hash, end);
        }
    }
}
