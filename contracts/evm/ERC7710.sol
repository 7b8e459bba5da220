// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Malformed, ModeRefused} from "./Errors.sol";
import {Execution, Executions} from "./Executions.sol";
import {GrantBytes} from "./GrantBytes.sol";
import {GrantState} from "./GrantState.sol";
import {Memory} from "./Memory.sol";
import {Read} from "./Read.sol";
import {RuleTree} from "./RuleTree.sol";
import {RunCalls} from "./RunCalls.sol";
import {Self} from "./Self.sol";
import {Sessions} from "./Sessions.sol";
import {Write} from "./Write.sol";

/// @title Sessions as others redeem delegations (ERC-7710)
/// @notice The account is its own delegation manager. Each redemption becomes a run that the session key submits itself,
/// so there is one checker, one set of counters, and one set of refusals.
abstract contract ERC7710 is Sessions {
    bytes32 private constant SINGLE = 0;
    bytes32 private constant BATCH = bytes32(uint256(1) << 248);
    uint256 private constant HEAD = 2; // as in a run: bit 15 "owner signature", bits 14-0 length of the grant
    uint256 private constant PACKED = 20 + 32; // target | value, in front of the calldata of a single execution
    uint256 private constant NO_DEADLINE = type(uint40).max;

    /// @notice Makes calls under sessions whose key is the sender; all or none.
    /// @param permissionContexts For each session: head2 | grant | rule1 of each call | [ownerSignature65], as in a run.
    /// @param modes ERC-7579: one call or a batch, revert on failure; everything else in them is zero.
    /// @param executionCallDatas One call: target20 | value32 | calldata. A batch: abi.encode(Execution[]).
    function redeemDelegations(
        bytes[] calldata permissionContexts,
        bytes32[] calldata modes,
        bytes[] calldata executionCallDatas
    ) external {
        uint256 count = permissionContexts.length;
        if (modes.length != count || executionCallDatas.length != count) revert Malformed();
        for (uint256 i; i < count; ++i) {
            Self.act(_runOf(permissionContexts[i], modes[i], executionCallDatas[i]));
        }
    }

    function _runOf(bytes calldata context, bytes32 mode, bytes calldata data) private view returns (bytes memory run) {
        unchecked {
            uint256 at;
            assembly ("memory-safe") {
                at := context.offset
            }
            uint256 head = Read.uint16At(at);
            uint256 grantEnd = at + HEAD + (head & 0x7fff);
            uint256 end = at + context.length;
            uint256 indexesEnd = end - (head >> 15) * SIGNATURE;
            if (grantEnd > indexesEnd) revert Malformed();
            uint256 header = GrantBytes.headerAt(at + HEAD);
            uint256 word = Read.word(header); // startsAt5 | expiresAt5 | maxCalls4 | flags1
            uint256 caps = GrantBytes.capsAt(header, word);
            uint256 rules = GrantBytes.rulesAt(caps);
            bytes32 id = Read.hash(at + HEAD, grantEnd, Memory.free());
            if (GrantBytes.isTree(word)) {
                GrantBytes.requireWellFormedHead(at + HEAD, word, caps);
                (uint256 root,) = RuleTree.requireRoot(rules, Read.byteAt(caps), grantEnd, Memory.free());
                id = RuleTree.idOf(at + HEAD, rules, root, Memory.free());
            }
            uint256 nonce = GrantState.nonceBaseOf(GrantState.read(_slotOf(id)));
            run = Write.open();
            Write.word(uint256(bytes32(this.applyRun.selector)), 4);
            Write.copy(at, grantEnd);
            Write.word((nonce << 224) | (NO_DEADLINE << 184) | ((indexesEnd - grantEnd) << 176), 10);
            if (_writeCalls(rules, grantEnd, mode, data) != indexesEnd - grantEnd) revert Malformed();
            Write.word(0, 32); // the signature that the session key need not make
            Write.word(0, 32);
            Write.word(0, SIGNATURE - 64);
            Write.copy(indexesEnd, end);
            Write.close(run);
        }
    }

    /// @dev Writes the calls, whose rules are named by one byte each from `indexes` on, and returns how many there are.
    function _writeCalls(uint256 rules, uint256 indexes, bytes32 mode, bytes calldata data)
        private
        pure
        returns (uint256 count)
    {
        unchecked {
            if (mode == SINGLE) {
                if (data.length < PACKED) revert Malformed();
                address target = address(bytes20(data));
                RunCalls.write(rules, Read.byteAt(indexes), 0, target, uint256(bytes32(data[20:])), data[PACKED:]);
                return 1;
            }
            if (mode != BATCH) revert ModeRefused(mode);
            Execution[] calldata list = Executions.listOf(data);
            count = list.length;
            if (count > type(uint8).max) revert Malformed();
            for (uint256 i; i != count; ++i) {
                Execution calldata one = list[i];
                RunCalls.write(rules, Read.byteAt(indexes + i), i, one.target, one.value, one.data);
            }
        }
    }
}
