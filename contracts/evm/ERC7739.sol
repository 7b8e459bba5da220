// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Read} from "./Read.sol";
import {Signing} from "./Signing.sol";

/// @title Readable signatures for accounts whose owner may own others too (ERC-7739)
/// @notice Two accounts of one owner are told apart by what is signed: the account is named in it, and yet the owner's
/// wallet shows the text or the data itself.
library ERC7739 {
    /// @notice Who asks whether this hash is signed asks whether the account knows ERC-7739.
    bytes32 internal constant DETECTION = 0x7739773977397739773977397739773977397739773977397739773977397739;
    bytes4 internal constant DETECTED = 0x77390001;

    uint256 private constant SIGNATURE = 65;
    uint256 private constant CONTENTS = SIGNATURE + 32;
    uint256 private constant DESCRIPTION = CONTENTS + 32;
    bytes32 private constant PERSONAL_TYPE = keccak256("PersonalSign(bytes prefixed)");

    /// @notice What the owner has signed, for a `hash` that an app asks about; zero if `signature` has neither form.
    /// @param signature signature65, and for typed data behind it: separator32 of the app's domain | contents32 |
    /// description | length2 of the description.
    function digestOf(bytes32 hash, bytes calldata signature) internal view returns (bytes32) {
        unchecked {
            if (signature.length == SIGNATURE) return Signing.digestOf(keccak256(abi.encode(PERSONAL_TYPE, hash)));
            uint256 end = signature.length - 2;
            if (signature.length <= DESCRIPTION + 2 || uint16(bytes2(signature[end:])) != end - DESCRIPTION) return 0;
            bytes32 separator = bytes32(signature[SIGNATURE:]);
            bytes32 contents = bytes32(signature[CONTENTS:]);
            if (hash != _digestUnder(separator, contents)) return 0;
            bytes32 typeHash = _typeHash(signature[DESCRIPTION:end]);
            return typeHash == 0 ? bytes32(0) : _digestUnder(separator, Signing.nestedHash(typeHash, contents));
        }
    }

    function _digestUnder(bytes32 separator, bytes32 structHash) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", separator, structHash));
    }

    /// @dev The type that nests the described one; zero if the description is none. It is a type, whose name it begins
    /// with, or a type and a name behind its last parenthesis.
    function _typeHash(bytes calldata description) private pure returns (bytes32) {
        unchecked {
            uint256 at;
            assembly ("memory-safe") {
                at := description.offset
            }
            uint256 close = at + description.length;
            while (close != at && Read.byteAt(close - 1) != uint8(bytes1(")"))) --close;
            bool isExplicit = close != at + description.length;
            bytes calldata name = isExplicit ? description[close - at:] : description[:_nameLength(at, close)];
            if (!_isTypeName(name)) return 0;
            return keccak256(
                abi.encodePacked(
                    "TypedDataSign(",
                    name,
                    " contents,string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)",
                    isExplicit ? description[:close - at] : description
                )
            );
        }
    }

    function _nameLength(uint256 at, uint256 end) private pure returns (uint256 length) {
        unchecked {
            while (at + length != end && Read.byteAt(at + length) != uint8(bytes1("("))) ++length;
        }
    }

    /// @dev Other names could break out of the text that a wallet shows, and make of it a request that says nothing.
    function _isTypeName(bytes calldata name) private pure returns (bool) {
        unchecked {
            if (name.length == 0 || (name[0] >= "a" && name[0] <= "z") || name[0] == "(") return false;
            for (uint256 i; i != name.length; ++i) {
                bytes1 char = name[i];
                if (char == "," || char == " " || char == ")" || char == 0) return false;
            }
            return true;
        }
    }
}
