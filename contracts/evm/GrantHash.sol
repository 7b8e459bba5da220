// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Checks} from "./Checks.sol";
import {GrantBytes} from "./GrantBytes.sol";
import {Read} from "./Read.sol";
import {Rules} from "./Rules.sol";
import {Run} from "./Run.sol";

/// @title The grant as the owner reads and signs it (EIP-712)
/// @notice Only for grants that `GrantBytes.requireWellFormed` has passed.
/// @dev Each struct is written word by word and hashed where it is; what a list keeps (the hashes of its members) is
/// allocated first. Behind the end of a list is free memory again.
library GrantHash {
    bytes32 private constant CAP_TYPE = keccak256("Cap(uint128 limit,uint32 window)");
    bytes32 private constant METER_TYPE = keccak256("Meter(uint8 argument,uint8 cap)");
    bytes32 private constant CONSTRAINT_TYPE = keccak256("Constraint(uint8 argument,string operator,bytes32[] values)");
    bytes32 private constant RULE_TYPE = keccak256(
        "Rule(string kind,address target,bytes4 selector,Meter[] meters,Constraint[] constraints)"
        "Constraint(uint8 argument,string operator,bytes32[] values)Meter(uint8 argument,uint8 cap)"
    );
    uint256 private constant EMPTY = uint256(keccak256(""));
    bytes32 private constant GRANT_TYPE = keccak256(
        "Grant(bytes key,uint32 salt,uint64 epoch,uint40 startsAt,uint40 expiresAt,uint32 maxCalls,address relayer,"
        "Cap[] caps,Rule[] rules,bytes32 rulesRoot)"
        "Cap(uint128 limit,uint32 window)"
        "Constraint(uint8 argument,string operator,bytes32[] values)"
        "Meter(uint8 argument,uint8 cap)"
        "Rule(string kind,address target,bytes4 selector,Meter[] meters,Constraint[] constraints)"
    );

    /// @notice `hashStruct` of the grant, signed over `epoch`.
    /// @param root Of the tree that the rules are in; 0 if they are listed. (A root of zeros, which no rule leads to, reads
    /// as an empty list.)
    function structHash(uint256 grant, uint256 root, uint256 epoch) internal pure returns (bytes32) {
        unchecked {
            uint256 header = GrantBytes.headerAt(grant);
            uint256 words = Run.PLAN; // a place that the compiler knows; free memory begins behind these words
            uint256 key = uint256(Read.hash(grant + GrantBytes.KEY, header - 4, words));
            _put(0x40, words + 352);
            _put(words, uint256(GRANT_TYPE));
            _put(words + 32, key);
            _put(words + 64, Read.uintAt(header - 4, 32));
            _put(words + 96, epoch);
            uint256 word = Read.word(header); // startsAt5 | expiresAt5 | maxCalls4 | ...
            _put(words + 128, word >> 216);
            _put(words + 160, (word >> 176) & 0xffffffffff);
            _put(words + 192, (word >> 144) & 0xffffffff);
            _put(words + 224, uint160(GrantBytes.relayer(header, word)));
            uint256 caps = GrantBytes.capsAt(header, word);
            _put(words + 256, _caps(caps));
            _put(words + 288, root == 0 ? _rules(GrantBytes.rulesAt(caps)) : EMPTY);
            _put(words + 320, root);
            return bytes32(_hash(words, 11));
        }
    }

    function _caps(uint256 caps) private pure returns (uint256 hash) {
        unchecked {
            hash = EMPTY;
            uint256 count = Read.byteAt(caps);
            if (count != 0) {
                uint256 list = _open(count);
                uint256 end = list + (count << 5);
                for (uint256 next = list; next != end; next += 32) {
                    uint256 cap = Read.word(++caps);
                    _put(end, uint256(CAP_TYPE));
                    _put(end + 32, cap >> 128);
                    _put(end + 64, (cap >> 96) & 0xffffffff);
                    _put(next, _hash(end, 3));
                    caps += 19;
                }
                hash = _hashBetween(list, end);
            }
        }
    }

    function _rules(uint256 rules) private pure returns (uint256) {
        unchecked {
            uint256 count = Read.byteAt(rules);
            uint256 list = _open(count);
            uint256 end = list + (count << 5);
            uint256 rule = rules + 1;
            for (uint256 next = list; next != end; next += 32) {
                _put(next, _rule(rule));
                rule += 2 + Read.uint16At(rule);
            }
            return _hashBetween(list, end);
        }
    }

    function _rule(uint256 rule) private pure returns (uint256) {
        unchecked {
            uint256 word = Read.word(rule + 2); // head1 | target20 | selector4 | ...
            uint256 head = word >> 248;
            uint256 words = _open(6);
            _put(words, uint256(RULE_TYPE));
            _put(words + 32, uint256(_kindOf(head)));
            _put(words + 64, (word >> 88) & type(uint160).max);
            _put(words + 96, head < Rules.SEND ? (word << 168) & (uint256(type(uint32).max) << 224) : 0);
            _put(words + 128, EMPTY);
            _put(words + 160, EMPTY);
            if (head & Rules.CHECKS != 0) _checks(Rules.checksAt(rule, head), head & Rules.CHECKS, words + 128);
            return _hash(words, 6);
        }
    }

    function _kindOf(uint256 head) private pure returns (bytes32 kind) {
        kind = keccak256("call");
        if (head >= Rules.SEND) {
            kind = keccak256("send");
            if (head >= Rules.ANY_SELECTOR) kind = keccak256("any selector");
            if (head >= Rules.ANY_CALL) kind = keccak256("any call");
        }
    }

    /// @dev Puts the hash of the meters to `result`, and that of the constraints behind. The constraints come first in
    /// the packed rule.
    function _checks(uint256 at, uint256 count, uint256 result) private pure {
        unchecked {
            uint256 list = _open(count);
            uint256 end = list + (count << 5);
            uint256 metersAt = list;
            for (uint256 next = list; next != end; next += 32) {
                uint256 check = Read.word(at);
                if (check >= Checks.METER) {
                    _put(end, uint256(METER_TYPE));
                    _put(end + 32, (check >> 248) & 0x3f);
                    _put(end + 64, Read.byteOf(check, 1));
                    _put(next, _hash(end, 3));
                    at += 2;
                } else {
                    at = _constraint(at, check, next);
                    metersAt = next + 32;
                }
            }
            _put(result, _hashBetween(metersAt, end));
            _put(result + 32, _hashBetween(list, metersAt));
        }
    }

    /// @dev Puts the hash of the constraint to `result`; returns where it ends.
    function _constraint(uint256 at, uint256 check, uint256 result) private pure returns (uint256) {
        unchecked {
            uint256 bits = (check >> 237) & 0x7f8; // 8 * length
            uint256 count = 1;
            uint256 operator = uint256(check >> 254 == 0 ? keccak256("equals") : keccak256("at most"));
            at += 2;
            if (check >> 254 == 1) {
                operator = uint256(keccak256("one of"));
                count = Read.byteAt(at++);
            }
            uint256 scratch = _open(0);
            for (uint256 i; i != count; ++i) {
                _put(scratch + (i << 5), Read.uintAt(at, bits));
                at += bits >> 3;
            }
            uint256 list = _hash(scratch, count);
            _put(scratch, uint256(CONSTRAINT_TYPE));
            _put(scratch + 32, (check >> 248) & 0x3f);
            _put(scratch + 64, operator);
            _put(scratch + 96, list);
            _put(result, _hash(scratch, 4));
            return at;
        }
    }

    function _hashBetween(uint256 from, uint256 end) private pure returns (uint256 digest) {
        assembly ("memory-safe") {
            digest := keccak256(from, sub(end, from))
        }
    }

    /// @dev Takes `count` words of memory for good.
    function _open(uint256 count) private pure returns (uint256 words) {
        assembly ("memory-safe") {
            words := mload(0x40)
            mstore(0x40, add(words, shl(5, count)))
        }
    }

    function _put(uint256 memoryAt, uint256 word) private pure {
        assembly ("memory-safe") {
            mstore(memoryAt, word)
        }
    }

    function _hash(uint256 words, uint256 count) private pure returns (uint256 digest) {
        assembly ("memory-safe") {
            digest := keccak256(words, shl(5, count))
        }
    }
}
