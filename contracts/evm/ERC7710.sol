// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Malformed, ModeRefused} from "./Errors.sol";
import {Executions} from "./Executions.sol";
import {GrantBytes} from "./GrantBytes.sol";
import {GrantState} from "./GrantState.sol";
import {Memory} from "./Memory.sol";
import {Read} from "./Read.sol";
import {RuleTree} from "./RuleTree.sol";
import {RunCalls} from "./RunCalls.sol";
import {RunText} from "./RunText.sol";
import {Self} from "./Self.sol";
import {Sessions} from "./Sessions.sol";

/// @title Sessions as others redeem delegations (ERC-7710)
/// @notice The account is its own delegation manager. Each redemption becomes a run that the session key submits itself,
/// so there is one checker, one set of counters, and one set of refusals.
abstract contract ERC7710 is Sessions {
    bytes32 private constant SINGLE = 0;
    bytes32 private constant BATCH = bytes32(uint256(1) << 248);
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
            uint256 end = at + context.length;
            (uint256 indexes, uint256 indexesEnd) = RunText.requireParts(at, 0, end);
            uint256 nonce = GrantState.nonceBaseOf(GrantState.read(_slotOf(_idOf(at + RunText.HEAD, indexes))));
            uint256 rules = RunText.rulesAt(at + RunText.HEAD);
            run = RunText.open(at, indexes, (nonce << 224) | (NO_DEADLINE << 184) | ((indexesEnd - indexes) << 176));
            if (mode == SINGLE) {
                if (data.length < PACKED || indexes + 1 != indexesEnd) revert Malformed();
                address target = address(bytes20(data));
                RunCalls.write(rules, Read.byteAt(indexes), 0, target, uint256(bytes32(data[20:])), data[PACKED:]);
            } else {
                if (mode != BATCH) revert ModeRefused(mode);
                RunText.write(Executions.listOf(data), rules, indexes, indexesEnd);
            }
            RunText.close(run, 0, indexesEnd, end);
        }
    }

    /// @dev The id of the grant that stands at `grant` up to `end`.
    function _idOf(uint256 grant, uint256 end) private view returns (bytes32) {
        uint256 header = GrantBytes.headerAt(grant);
        uint256 word = Read.word(header); // startsAt5 | expiresAt5 | maxCalls4 | flags1
        if (!GrantBytes.isTree(word)) return Read.hash(grant, end, Memory.free());
        uint256 caps = GrantBytes.capsAt(header, word);
        GrantBytes.requireWellFormedHead(grant, word, caps);
        uint256 rules = GrantBytes.rulesAt(caps);
        (uint256 root,) = RuleTree.requireRoot(rules, Read.byteAt(caps), end, Memory.free());
        return RuleTree.idOf(grant, rules, root, Memory.free());
    }
}
