// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {TargetForbidden} from "./Errors.sol";
import {Read} from "./Read.sol";

/// @title The packed grant
/// @notice `grant` is the calldata offset of its first byte. The readers trust the layout; `isWellFormed` proves
/// it once, when a grant is enabled. An open state slot is the proof afterwards: its key is the hash of the bytes.
/// @dev version1 | type1 | key20 | salt4 | startsAt5 | expiresAt5 | maxCalls4 | flags1 | [relayer20] | nCaps1 | cap* |
/// nRules1 | rule*, with cap = limit16 | window4 and rule = length2 | head1 | target20 | [selector4] | check*
library GrantBytes {
    /// In a header word: flag 0, a relayer is bound.
    uint256 internal constant FLAG_RELAYER = 1 << 136;
    uint256 private constant MAX_CAPS = 8;
    /// In the head of a rule: kind2 | carriesValue1 | checks5.
    uint256 internal constant SEND = 1 << 6;
    uint256 internal constant CARRIES_VALUE = 1 << 5;
    uint256 internal constant CHECKS = 0x1f;
    uint256 private constant KINDS_END = 2 << 6;

    /// @notice startsAt5 | expiresAt5 | maxCalls4 | flags1, and whatever stands behind them, in one word.
    function header(uint256 grant) internal pure returns (uint256) {
        unchecked {
            return Read.word(grant + 26);
        }
    }

    function key(uint256 grant) internal pure returns (address) {
        unchecked {
            return address(uint160(Read.uintAt(grant + 2, 160)));
        }
    }

    function salt(uint256 grant) internal pure returns (uint256) {
        unchecked {
            return Read.uintAt(grant + 22, 32);
        }
    }

    function startsAt(uint256 grant) internal pure returns (uint256) {
        unchecked {
            return Read.uintAt(grant + 26, 40);
        }
    }

    function expiresAt(uint256 grant) internal pure returns (uint256) {
        unchecked {
            return Read.uintAt(grant + 31, 40);
        }
    }

    function maxCalls(uint256 grant) internal pure returns (uint256) {
        unchecked {
            return Read.uintAt(grant + 36, 32);
        }
    }

    function isRelayerBound(uint256 grant) internal pure returns (bool) {
        unchecked {
            return Read.byteAt(grant + 40) != 0;
        }
    }

    /// @notice The only account that may submit runs, or zero for anyone.
    function relayer(uint256 grant) internal pure returns (address) {
        unchecked {
            return isRelayerBound(grant) ? address(uint160(Read.uintAt(grant + 41, 160))) : address(0);
        }
    }

    /// @notice Where the number of caps stands; cap `i` stands 1 + 20 * i behind.
    function capsAt(uint256 grant, uint256 headerWord) internal pure returns (uint256) {
        unchecked {
            return grant + 41 + 20 * ((headerWord >> 136) & 1);
        }
    }

    /// @notice Where the number of rules stands; the first rule stands 1 behind.
    function rulesAt(uint256 caps) internal pure returns (uint256) {
        unchecked {
            return caps + 1 + 20 * Read.byteAt(caps);
        }
    }

    /// @notice Says whether the grant follows the format to the letter, and ends just before `end`.
    function isWellFormed(uint256 grant, uint256 end) internal pure returns (bool) {
        unchecked {
            if (Read.uintAt(grant, 16) != 0x0100 || key(grant) == address(0)) return false;
            if (startsAt(grant) >= expiresAt(grant) || maxCalls(grant) == 0) return false;
            if (Read.byteAt(grant + 40) > 1) return false;
            if (isRelayerBound(grant) && relayer(grant) == address(0)) return false;
            uint256 caps = capsAt(grant, header(grant));
            uint256 nCaps = Read.byteAt(caps);
            uint256 rules = rulesAt(caps);
            uint256 nRules = Read.byteAt(rules);
            if (nCaps > MAX_CAPS || nRules == 0) return false;
            uint256 rule = rules + 1;
            for (; nRules != 0; --nRules) {
                uint256 next = rule + 2 + Read.uint16At(rule);
                if (_endOfRule(rule, nCaps) != next) return false;
                rule = next;
            }
            return rule == end;
        }
    }

    /// @notice Reverts if a rule has this account as its target: a session must never act as its own owner. (The zero
    /// address is not well formed.) Asked once, when the grant is enabled, as neither can change afterwards.
    function requireForeignTargets(uint256 grant) internal view {
        unchecked {
            uint256 rules = rulesAt(capsAt(grant, header(grant)));
            uint256 rule = rules + 1;
            for (uint256 i; i != Read.byteAt(rules); ++i) {
                if (Read.uintAt(rule + 3, 160) == uint160(address(this))) revert TargetForbidden(i);
                rule += 2 + Read.uint16At(rule);
            }
        }
    }

    /// @dev Where the parts of a rule end, 0 if one of them is malformed. Constraints come first, meters behind them.
    function _endOfRule(uint256 rule, uint256 nCaps) private pure returns (uint256 at) {
        unchecked {
            uint256 head = Read.byteAt(rule + 2);
            if (head >= KINDS_END || Read.uintAt(rule + 3, 160) == 0) return 0;
            at = head < SEND ? rule + 27 : rule + 23;
            bool isMetered;
            uint256 carries;
            for (uint256 left = head & CHECKS; left != 0; --left) {
                uint256 check = Read.word(at);
                if (check >> 254 == 3) {
                    if ((check >> 240) & 0xff >= nCaps) return 0;
                    if (check >> 248 == 0xff) carries = CARRIES_VALUE;
                    isMetered = true;
                    at += 2;
                } else {
                    at = _endOfConstraint(at, check);
                    if (at == 0 || isMetered) return 0;
                }
            }
            if (head & CARRIES_VALUE != carries) return 0;
        }
    }

    /// @dev Where a constraint ends, 0 if it is malformed. Values take as few bytes as the largest of them needs: else
    /// one signed text could stand for several grants.
    function _endOfConstraint(uint256 at, uint256 check) private pure returns (uint256) {
        unchecked {
            uint256 length = (check >> 240) & 0xff;
            uint256 count = 1;
            at += 2;
            if (check >> 254 == 1) count = Read.byteAt(at++);
            if (length == 0 || length > 32 || count == 0) return 0;
            bool isShortest = length == 1;
            for (; count != 0; --count) {
                if (Read.byteAt(at) != 0) isShortest = true;
                at += length;
            }
            return isShortest ? at : 0;
        }
    }
}
