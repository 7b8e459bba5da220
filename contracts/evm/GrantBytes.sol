// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Malformed} from "./Errors.sol";
import {Read} from "./Read.sol";
import {Rules} from "./Rules.sol";

/// @title The packed grant
/// @notice `grant` is the calldata offset of its first byte, `header` that of its starts_at. The readers trust the
/// layout; `requireWellFormed` proves it once, when a grant is enabled. An open state slot is the proof afterwards: its
/// key is the hash of the bytes.
/// @dev version1 | keyType1 | key20 or key64 | salt4 | startsAt5 | expiresAt5 | maxCalls4 | flags1 | [relayer20] |
/// nCaps1 | cap* | nRules1 rule* or root32, with cap = limit16 | window4
library GrantBytes {
    uint256 internal constant KEY = 2; // behind the first byte
    uint256 internal constant SECP256K1_HEADER = 26; // behind the first byte
    uint256 internal constant P256 = 1; // the other key type
    uint256 private constant SECP256K1 = 0x0100 << 160; // version1 | keyType1, before the address
    uint256 internal constant FLAG_RELAYER = 1;
    uint256 internal constant FLAG_TREE = 2;
    uint256 private constant FLAGS_SHIFT = 136; // in the word that begins with the header
    uint256 private constant P256_LONGER = 44;
    uint256 private constant MAX_CAPS = 8;

    function keyType(uint256 grant) internal pure returns (uint256) {
        unchecked {
            return Read.byteAt(grant + 1);
        }
    }

    /// @notice The address that a secp256k1 key is known by; for another key a number that is no address.
    function key(uint256 grant) internal pure returns (uint256) {
        return Read.uintAt(grant, 176) ^ SECP256K1;
    }

    /// @notice Where startsAt5 | expiresAt5 | maxCalls4 | flags1 stand.
    function headerAt(uint256 grant) internal pure returns (uint256) {
        unchecked {
            return grant + SECP256K1_HEADER + P256_LONGER * keyType(grant);
        }
    }

    function expiresAt(uint256 header) internal pure returns (uint256) {
        unchecked {
            return Read.uintAt(header + 5, 40);
        }
    }

    /// @notice Whether the rules are in a tree. `word` is the one that begins with the header.
    function isTree(uint256 word) internal pure returns (bool) {
        return (word >> FLAGS_SHIFT) & FLAG_TREE != 0;
    }

    /// @notice Whether runs are bound to one relayer. `word` is the one that begins with the header.
    function hasRelayer(uint256 word) internal pure returns (bool) {
        return (word >> FLAGS_SHIFT) & FLAG_RELAYER != 0;
    }

    /// @notice The only account that may submit runs, or zero for anyone. `word` stands at `header`.
    function relayer(uint256 header, uint256 word) internal pure returns (address) {
        unchecked {
            return address(uint160(Read.uintAt(header + 15, 160) * ((word >> FLAGS_SHIFT) & FLAG_RELAYER)));
        }
    }

    /// @notice Where the number of caps stands; cap `i` stands 1 + 20 * i behind. `word` stands at `header`.
    function capsAt(uint256 header, uint256 word) internal pure returns (uint256) {
        unchecked {
            return header + 15 + 20 * ((word >> FLAGS_SHIFT) & FLAG_RELAYER);
        }
    }

    /// @notice Where the number of rules stands, or the root of their tree.
    function rulesAt(uint256 caps) internal pure returns (uint256) {
        unchecked {
            return caps + 1 + 20 * Read.byteAt(caps);
        }
    }

    /// @notice Reverts unless the grant follows the format to the letter, and ends just before `end`. `word` begins with
    /// its header, its caps stand at `caps`. Says which of its listed rules is forbidden, as `Rules.requireWellFormed` does.
    function requireWellFormed(uint256 grant, uint256 word, uint256 caps, uint256 end)
        internal
        view
        returns (uint256 forbidden)
    {
        unchecked {
            requireWellFormedHead(grant, word, caps);
            uint256 rules = rulesAt(caps);
            if (isTree(word)) rules += 32;
            else (rules, forbidden) = Rules.requireWellFormed(rules, Read.byteAt(caps));
            if (rules != end) revert Malformed();
        }
    }

    /// @notice Reverts if anything before the rules is malformed.
    function requireWellFormedHead(uint256 grant, uint256 word, uint256 caps) internal pure {
        unchecked {
            uint256 start = Read.word(grant); // version1 | keyType1 | key
            uint256 keyBits = (start << 16) >> 96;
            if (keyType(grant) != 0) keyBits = Read.word(grant + KEY) | Read.word(grant + KEY + 32);
            bool isSound;
            assembly ("memory-safe") {
                isSound := and(eq(shr(241, start), 0x80), gt(keyBits, 0)) // version 1, key type 0 or 1
                isSound := and(isSound, lt(shr(216, word), shr(216, shl(40, word)))) // starts before it expires
                isSound := and(isSound, gt(shr(224, shl(80, word)), 0)) // allows a call
                let flag := byte(14, word)
                isSound := and(isSound, lt(flag, 4))
                let isBound := and(flag, FLAG_RELAYER)
                isSound := and(isSound, or(iszero(isBound), gt(shr(96, calldataload(sub(caps, 20))), 0)))
                isSound := and(isSound, iszero(gt(byte(0, calldataload(caps)), MAX_CAPS)))
            }
            if (!isSound) revert Malformed();
        }
    }
}
