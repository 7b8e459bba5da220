// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {
    DeadlinePassed,
    Malformed,
    ModeRefused,
    NonceTooFar,
    NonceUsed,
    OnlyAccount,
    SignatureRefused
} from "./Errors.sol";
import {Execution, Executions} from "./Executions.sol";
import {GrantBytes} from "./GrantBytes.sol";
import {GrantState} from "./GrantState.sol";
import {Memory} from "./Memory.sol";
import {Read} from "./Read.sol";
import {RunText} from "./RunText.sol";
import {Self} from "./Self.sol";
import {Sessions} from "./Sessions.sol";
import {Signing} from "./Signing.sol";
import {Vouching} from "./Vouching.sol";

/// @title Any calls, for the owner, and a session's calls by what the owner would sign for them (ERC-7821)
/// @notice Sent by the account itself (or the owner), or by anyone with the owner's signature. With a session key's
/// signature and its grant, the calls become a run under that grant. No run comes here: the account is never its target.
abstract contract ERC7821 is Sessions {
    /// keccak256(abi.encode(uint256(keccak256("valetkey.execute.v1")) - 1)) & ~bytes32(uint256(0xff)), as ERC-7201 says.
    /// Apart from the sessions: nonces survive every epoch, or what was executed could be executed again.
    uint256 private constant EXECUTE_NAMESPACE = 0xca337b6c14d8206069a6e7ad399dde053e8178986bab9e2f93216dabab094d00;
    uint256 private constant BATCH = 0x01000000000000000000;
    uint256 private constant BATCH_SIGNED = 0x01000000000078210001;
    uint256 private constant SIGNED = 32 + 32; // nonce | deadline, in front of the signature
    uint256 private constant OP_DATA = SIGNED + 65;
    uint256 private constant BETWEEN = 4 + 5; // nonce4 | deadline5 of the run, between grant and rules
    bytes32 private constant CALL_TYPE = keccak256("Call(address to,uint256 value,bytes data)");
    bytes32 private constant EXECUTE_TYPE =
        keccak256("Execute(Call[] calls,uint256 nonce,uint256 deadline)Call(address to,uint256 value,bytes data)");

    /// @notice Makes the calls in `executionData`, all or none. A call to the zero address is one to the account itself.
    /// Native value sent along stays in the account.
    /// @param mode ERC-7579: a batch that reverts on failure, with or without `opData`.
    /// @param executionData abi.encode(calls), or abi.encode(calls, opData) with opData = nonce32 | deadline32 | signature65,
    /// the owner's over `Execute`. The deadline is the first second at which it is no longer accepted.
    /// A session key signs the same, and behind its signature follows what makes a run of the calls:
    /// head2 | grant | nonce4 | deadline5 | rule1 of each call | [ownerSignature65], as in a run.
    function execute(bytes32 mode, bytes calldata executionData) external payable {
        uint256 kind = _kindOf(mode);
        if (kind != BATCH && kind != BATCH_SIGNED) revert ModeRefused(mode);
        Execution[] calldata calls = Executions.listOf(executionData);
        bytes calldata opData = _opDataOf(executionData, kind);
        if (opData.length != 0) {
            _requireSignedExecution(calls, opData);
            if (opData.length != OP_DATA) return _runFor(calls, opData);
        } else if (!_isAccount(msg.sender)) {
            revert OnlyAccount();
        }
        for (uint256 i; i < calls.length; ++i) {
            Execution calldata call = calls[i];
            _make(_targetOf(call), call.value, call.data);
        }
    }

    /// @notice Says whether `execute` takes `mode`.
    function supportsExecutionMode(bytes32 mode) external pure returns (bool) {
        uint256 kind = _kindOf(mode);
        return kind == BATCH || kind == BATCH_SIGNED;
    }

    /// @notice The next nonce for a signed execution under `key`: key in the upper 192 bits, a sequence below. Under one key
    /// executions come in order; under several they do not wait for each other.
    function executeNonce(uint192 key) public view returns (uint256) {
        return (uint256(key) << 64) | GrantState.read(_nonceSlotOf(key));
    }

    /// @dev A list that stands behind one word has nothing beside it, behind two words it has.
    function _opDataOf(bytes calldata data, uint256 kind) private pure returns (bytes calldata opData) {
        uint256 words = uint256(bytes32(data));
        if (words == 0x20) return data[:0];
        if (words != 0x40 || kind != BATCH_SIGNED) revert Malformed();
        assembly ("memory-safe") {
            let at := add(data.offset, calldataload(add(data.offset, 0x20)))
            opData.length := calldataload(at)
            opData.offset := add(at, 0x20)
        }
        if (opData.length != 0 && opData.length < OP_DATA) revert Malformed();
    }

    function _requireSignedExecution(Execution[] calldata calls, bytes calldata opData) private {
        uint256 nonce = uint256(bytes32(opData));
        uint256 deadline = uint256(bytes32(opData[32:]));
        if (block.timestamp >= deadline) revert DeadlinePassed();
        bytes32 structHash = keccak256(abi.encode(EXECUTE_TYPE, _hashOf(calls), nonce, deadline));
        if (opData.length == OP_DATA) _requireOwner(structHash, opData[SIGNED:]);
        else _requireGrantee(structHash, nonce, opData);
        uint256 slot = _nonceSlotOf(nonce >> 64);
        uint256 next = GrantState.read(slot);
        if (uint64(nonce) < next) revert NonceUsed();
        if (uint64(nonce) > next) revert NonceTooFar();
        GrantState.write(slot, next + 1);
    }

    /// @dev The key of the grant that follows has signed. Nonces below 2^64 are the owner's alone, or a session could use
    /// up what the owner has signed.
    function _requireGrantee(bytes32 structHash, uint256 nonce, bytes calldata opData) private view {
        unchecked {
            uint256 at;
            assembly ("memory-safe") {
                at := opData.offset
            }
            uint256 grant = at + OP_DATA + RunText.HEAD;
            if (nonce >> 64 == 0 || !_isSignedByKey(grant, Signing.digestOf(structHash), at + SIGNED)) {
                revert SignatureRefused();
            }
        }
    }

    /// @dev Makes the calls as a run under the grant behind the session key's signature. Who submits this chooses the
    /// nonce and the deadline of the run, and which rules the calls are under; the grant may say who that is.
    function _runFor(Execution[] calldata calls, bytes calldata opData) private {
        unchecked {
            uint256 at;
            assembly ("memory-safe") {
                at := opData.offset
            }
            uint256 end = at + opData.length;
            if (opData.length > msg.data.length || end > msg.data.length) revert Malformed();
            at += OP_DATA;
            (uint256 grantEnd, uint256 indexesEnd) = RunText.requireParts(at, BETWEEN, end);
            uint256 between = (Read.word(grantEnd) >> 184) << 184;
            bytes memory run = RunText.open(at, grantEnd, between | (calls.length << 176));
            uint256 grant = at + RunText.HEAD;
            RunText.write(calls, RunText.rulesAt(grant), grantEnd + BETWEEN, indexesEnd);
            RunText.close(run, Vouching.V, indexesEnd, end);
            // Of a session key that submits this itself no run asks more, so the word would stay.
            if (uint160(msg.sender) != GrantBytes.key(grant)) Vouching.give(run);
            Self.act(run);
        }
    }

    /// @dev What the owner signs says the account's address where it is meant, whatever stands in the calldata.
    function _targetOf(Execution calldata call) private view returns (address) {
        return call.target == address(0) ? address(this) : call.target;
    }

    function _hashOf(Execution[] calldata calls) private view returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](calls.length);
        for (uint256 i; i < calls.length; ++i) {
            Execution calldata call = calls[i];
            hashes[i] = keccak256(abi.encode(CALL_TYPE, _targetOf(call), call.value, keccak256(call.data)));
        }
        return keccak256(abi.encodePacked(hashes));
    }

    function _nonceSlotOf(uint256 key) private pure returns (uint256) {
        return GrantState.slotOf(bytes32(key), EXECUTE_NAMESPACE);
    }

    /// @dev callType1 | execType1 | (unused4) | selector4 of the mode; the payload behind is anybody's.
    function _kindOf(bytes32 mode) private pure returns (uint256) {
        return (uint256(mode) >> 176) & 0xffff00000000ffffffff;
    }

    /// @dev A failure reverts everything with its own reason; as for runs, no more than 4096 bytes of it.
    function _make(address target, uint256 value, bytes calldata data) private {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            calldatacopy(buffer, data.offset, data.length)
            let done := call(gas(), target, value, buffer, data.length, 0, 0)
            if iszero(done) {
                let size := returndatasize()
                if gt(size, 4096) { size := 4096 }
                returndatacopy(buffer, 0, size)
                revert(buffer, size)
            }
        }
    }
}
