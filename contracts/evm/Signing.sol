// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Memory} from "./Memory.sol";
import {P256} from "./P256.sol";
import {Read} from "./Read.sol";

/// @title EIP-712 digests over this account, and who signed them
/// @dev `buffer` is memory that nobody else needs (`Memory`).
library Signing {
    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME = keccak256("valetkey");
    bytes32 private constant VERSION = keccak256("1");
    bytes32 private constant RUN_TYPE = keccak256("Run(bytes32 grant,uint32 nonce,uint40 deadline,bytes calls)");
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice The hash of the domain. Nothing is cached: the address and the chain are read each time.
    function separatorAt(uint256 buffer) internal view returns (bytes32 separator) {
        bytes32 domainType = DOMAIN_TYPE;
        bytes32 name = NAME;
        bytes32 version = VERSION;
        assembly ("memory-safe") {
            mstore(buffer, domainType)
            mstore(add(buffer, 0x20), name)
            mstore(add(buffer, 0x40), version)
            mstore(add(buffer, 0x60), chainid())
            mstore(add(buffer, 0x80), address())
            separator := keccak256(buffer, 0xa0)
        }
    }

    /// @notice What is signed for the struct that hashes to `structHash`.
    function digestOf(bytes32 structHash) internal view returns (bytes32 digest) {
        uint256 buffer = Memory.free();
        return digestUnder(separatorAt(buffer), structHash, buffer);
    }

    /// @notice What is signed for the struct that hashes to `structHash`, under the domain that hashes to `separator`.
    function digestUnder(bytes32 separator, bytes32 structHash, uint256 buffer) internal pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            mstore(buffer, shl(240, 0x1901))
            mstore(add(buffer, 0x02), separator)
            mstore(add(buffer, 0x22), structHash)
            digest := keccak256(buffer, 0x42)
        }
    }

    /// @notice What the session key signs for one run.
    /// @param separator The hash of the domain.
    /// @param grant The hash of the grant as the run carries it.
    /// @param between The word that begins with nonce4 | deadline5.
    /// @param calls Where the packed calls stand, up to `end`.
    function runDigest(bytes32 separator, bytes32 grant, uint256 between, uint256 calls, uint256 end, uint256 buffer)
        internal
        pure
        returns (bytes32)
    {
        bytes32 structHash;
        bytes32 runType = RUN_TYPE;
        assembly ("memory-safe") {
            let length := sub(end, calls)
            calldatacopy(buffer, calls, length)
            let callsHash := keccak256(buffer, length)
            mstore(buffer, runType)
            mstore(add(buffer, 0x20), grant)
            mstore(add(buffer, 0x40), shr(224, between))
            mstore(add(buffer, 0x60), shr(216, shl(32, between)))
            mstore(add(buffer, 0x80), callsHash)
            structHash := keccak256(buffer, 0xa0)
        }
        return digestUnder(separator, structHash, buffer);
    }

    /// @notice `hashStruct` of `contents` nested in a struct of type `typeHash` that spells out this domain (ERC-7739).
    function nestedHash(bytes32 typeHash, bytes32 contents) internal view returns (bytes32) {
        return keccak256(abi.encode(typeHash, contents, NAME, VERSION, block.chainid, address(this), bytes32(0)));
    }

    /// @notice Says whether the 65 bytes of calldata from `at` on are the signature of `signer`: `v` 27 or 28, low `s`.
    function isSignedBy(uint256 signer, bytes32 digest, uint256 at, uint256 buffer) internal view returns (bool) {
        return isRecovered(signer, digest, at, _vAt(at), buffer);
    }

    /// @notice Says whether the 65 bytes of calldata from `at` on are a signature by the key x32 | y32 at `key`: over the
    /// SHA-256 of `digest`, and `v` is 0.
    function isSignedByP256(uint256 key, bytes32 digest, uint256 at) internal view returns (bool) {
        return _vAt(at) == 0 && P256.isSignedBy(key, digest, at);
    }

    function _vAt(uint256 at) private pure returns (uint256) {
        unchecked {
            return Read.byteAt(at + 64);
        }
    }

    /// @notice The EIP-191 form of `digest`, which `personal_sign` over its 32 bytes signs.
    function personal(bytes32 digest) internal pure returns (bytes32 hash) {
        bytes28 prefix = "\x19Ethereum Signed Message:\n32";
        assembly ("memory-safe") {
            mstore(0x00, prefix)
            mstore(0x1c, digest)
            hash := keccak256(0x00, 0x3c)
        }
    }

    /// @notice Says whether the address `signer` made the signature r32 | s32 at `at` with this `v`, and `s` is low.
    function isRecovered(uint256 signer, bytes32 digest, uint256 at, uint256 v, uint256 buffer)
        internal
        view
        returns (bool isSigned)
    {
        assembly ("memory-safe") {
            mstore(buffer, digest)
            mstore(add(buffer, 0x20), v)
            calldatacopy(add(buffer, 0x40), at, 0x40)
            // The precompile returns nothing for a signature that none could have made (so for any other v), hence the
            // size is part of the answer. The call stands alone: it must precede the reads.
            pop(staticcall(gas(), 1, buffer, 0x80, 0x00, 0x20))
            isSigned := and(eq(returndatasize(), 0x20), eq(mload(0x00), signer))
            isSigned := and(isSigned, iszero(gt(calldataload(add(at, 0x20)), HALF_ORDER)))
        }
    }
}
