// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Read} from "./Read.sol";

/// @title EIP-712 digests over this account, and who signed them
library Signing {
    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME = keccak256("valetkey");
    bytes32 private constant VERSION = keccak256("1");
    bytes32 private constant RUN_TYPE = keccak256("Run(bytes32 grant,uint32 nonce,uint40 deadline,bytes calls)");
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice What is signed for the struct that hashes to `structHash`.
    function digestOf(bytes32 structHash) internal view returns (bytes32 digest) {
        bytes32 domainType = DOMAIN_TYPE;
        bytes32 name = NAME;
        bytes32 version = VERSION;
        assembly ("memory-safe") {
            // Scratch memory behind the free pointer. Nothing is cached: the address and the chain are read each time.
            let buffer := mload(0x40)
            mstore(buffer, domainType)
            mstore(add(buffer, 0x20), name)
            mstore(add(buffer, 0x40), version)
            mstore(add(buffer, 0x60), chainid())
            mstore(add(buffer, 0x80), address())
            let separator := keccak256(buffer, 0xa0)
            mstore(buffer, shl(240, 0x1901))
            mstore(add(buffer, 0x02), separator)
            mstore(add(buffer, 0x22), structHash)
            digest := keccak256(buffer, 0x42)
        }
    }

    /// @notice What the session key signs for one run; `calls` is the hash of the packed calls.
    function runDigest(bytes32 id, uint256 nonce, uint256 deadline, bytes32 calls) internal view returns (bytes32) {
        bytes32 structHash;
        bytes32 runType = RUN_TYPE;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore(buffer, runType)
            mstore(add(buffer, 0x20), id)
            mstore(add(buffer, 0x40), nonce)
            mstore(add(buffer, 0x60), deadline)
            mstore(add(buffer, 0x80), calls)
            structHash := keccak256(buffer, 0xa0)
        }
        return digestOf(structHash);
    }

    /// @notice Says whether the 65 bytes of calldata from `at` on are the signature of `signer`: `v` 27 or 28, low `s`.
    function isSignedBy(address signer, bytes32 digest, uint256 at) internal view returns (bool) {
        unchecked {
            return _isSignedBy(signer, digest, at, Read.byteAt(at + 64));
        }
    }

    /// @notice As `isSignedBy`, and takes `v` 31 or 32 for a signature over the EIP-191 form of `digest`.
    function isRunSignedBy(address signer, bytes32 digest, uint256 at) internal view returns (bool) {
        unchecked {
            uint256 v = Read.byteAt(at + 64);
            if (v > 30) {
                v -= 4;
                digest = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", digest));
            }
            return _isSignedBy(signer, digest, at, v);
        }
    }

    function _isSignedBy(address signer, bytes32 digest, uint256 at, uint256 v) private view returns (bool isSigned) {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
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
