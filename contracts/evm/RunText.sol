// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Malformed} from "./Errors.sol";
import {Execution} from "./Executions.sol";
import {GrantBytes} from "./GrantBytes.sol";
import {Read} from "./Read.sol";
import {RunCalls} from "./RunCalls.sol";
import {Running} from "./Running.sol";
import {Write} from "./Write.sol";

/// @title The calldata of a run, for those who say its calls in full
/// @notice Allows nothing: what is written here is checked as every run is, so there is one checker, one set of counters,
/// and one set of refusals.
/// @dev Written from: head2 | grant | (something) | rule1 of each call | [ownerSignature65], with head2 as in a run.
library RunText {
    uint256 internal constant HEAD = 2; // bit 15 "owner signature", bits 14-0 length of the grant
    uint256 private constant SIGNATURE = 65;

    /// @notice Where the grant ends and where the indexes of the rules end, in what stands at `at` up to `end` with
    /// `between` bytes between grant and indexes.
    function requireParts(uint256 at, uint256 between, uint256 end)
        internal
        pure
        returns (uint256 grantEnd, uint256 indexesEnd)
    {
        unchecked {
            uint256 head = Read.uint16At(at);
            grantEnd = at + HEAD + (head & 0x7fff);
            indexesEnd = end - (head >> 15) * SIGNATURE;
            if (grantEnd + between > indexesEnd) revert Malformed();
        }
    }

    /// @notice Begins a run under the grant whose head2 stands at `at`; nothing else may take memory before `close`.
    /// @param between nonce4 | deadline5 | n1, from the top.
    function open(uint256 at, uint256 grantEnd, uint256 between) internal pure returns (bytes memory run) {
        run = Write.open();
        Write.word(uint256(bytes32(Running.applyRun.selector)), 4);
        Write.copy(at, grantEnd);
        Write.word(between, 10);
    }

    /// @notice Adds the calls, whose rules are named by one byte each from `indexes` up to `indexesEnd`.
    function write(Execution[] calldata calls, uint256 rules, uint256 indexes, uint256 indexesEnd) internal pure {
        unchecked {
            uint256 count = calls.length;
            if (count > type(uint8).max || count != indexesEnd - indexes) revert Malformed();
            for (uint256 i; i != count; ++i) {
                Execution calldata one = calls[i];
                RunCalls.write(rules, Read.byteAt(indexes + i), i, one.target, one.value, one.data);
            }
        }
    }

    /// @notice Ends the run with a signature of zeros and `v`, and the owner's signature, which stands at `from` up to `end`.
    function close(bytes memory run, uint256 v, uint256 from, uint256 end) internal pure {
        Write.word(0, 32);
        Write.word(0, 32);
        Write.word(v << 248, SIGNATURE - 64);
        Write.copy(from, end);
        Write.close(run);
    }

    /// @notice Where the rules of the grant at `grant` stand.
    function rulesAt(uint256 grant) internal pure returns (uint256) {
        uint256 header = GrantBytes.headerAt(grant);
        return GrantBytes.rulesAt(GrantBytes.capsAt(header, Read.word(header)));
    }
}
