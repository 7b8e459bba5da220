// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

// Written by tools/write_value_moving_contract.py from docs/reference/value-moving-selectors.md.

/// @title The published list of selectors that no wide rule covers
/// @dev Eight selectors stand in one word, so that a word is compared at once.
library ValueMoving {
    uint256 private constant ONES = type(uint256).max / type(uint32).max;
    uint256 private constant TOPS = ONES << 31;

    /// @notice Says whether `selector`, a number of 32 bits, is in the list.
    function has(uint256 selector) internal pure returns (bool) {
        unchecked {
            uint256 same = selector * ONES; // in each of the eight places
            uint256 found;
            // 01d5062a schedule(address,uint256,bytes,bytes32,bytes32,uint256)
            // 04b273a6 applyRun()
            // 095bcdb6 transfer(address,uint256,uint256)
            // 095ea7b3 approve(address,uint256)
            // 0d58b1db transferFrom((address,address,uint160,address)[])
            // 0e8e3e84 manageUserBalance((uint8,address,uint256,address,address)[])
            // 0f5730f1 permit(address,uint256,uint256,uint256,bytes)
            // 110496e5 allow(address,bool)
            found |= _zerosIn(same ^ 0x01d5062a04b273a6095bcdb6095ea7b30d58b1db0e8e3e840f5730f1110496e5);
            // 1296ee62 transferAndCall(address,uint256)
            // 137c29fe permitWitnessTransferFrom(...)
            // 13af4035 setOwner(address)
            // 18dfb3c7 executeBatch(address[],bytes[])
            // 1c10893f grantRoles(address,uint256)
            // 1cff79cd execute(address,bytes)
            // 1f0464d1 multicall(bytes32,bytes[])
            // 1f8b5215 call(address,address,uint256,bytes)
            found |= _zerosIn(same ^ 0x1296ee62137c29fe13af403518dfb3c71c10893f1cff79cd1f0464d11f8b5215);
            // 1f931c1c diamondCut((address,uint8,bytes4[])[],address,bytes)
            // 205c2878 withdrawTo(address,uint256)
            // 21712407 enableSessions(...)
            // 23b872dd transferFrom(address,address,uint256)
            // 24856bc3 execute(bytes,bytes[])
            // 25c471a0 grantRole(uint64,address,uint32)
            // 26441318 withdrawFrom(address,address,address,uint256)
            // 2a2d80d1 permit(address,((address,uint160,uint48,uint48)[],address,uint256),bytes)
            found |= _zerosIn(same ^ 0x1f931c1c205c28782171240723b872dd24856bc325c471a0264413182a2d80d1);
            // 2b67b570 permit(address,((address,uint160,uint48,uint48),address,uint256),bytes)
            // 2eb2c2d6 safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)
            // 2f2ff15d grantRole(bytes32,address)
            // 2f4f21e2 depositFor(address,uint256)
            // 30f28b7a permitTransferFrom(((address,uint256),uint256,uint256),(address,uint256),address,bytes)
            // 3177029f approveAndCall(address,uint256)
            // 34fcd5be executeBatch((address,uint256,bytes)[])
            // 3593564c execute(bytes,bytes[],uint256)
            found |= _zerosIn(same ^ 0x2b67b5702eb2c2d62f2ff15d2f4f21e230f28b7a3177029f34fcd5be3593564c);
            // 3659cfe6 upgradeTo(address)
            // 36c78516 transferFrom(address,address,uint160,address)
            // 39509351 increaseAllowance(address,uint256)
            // 3aea60f0 permitForAll(address,address,bool,uint256,uint256,bytes)
            // 4000aea0 transferAndCall(address,uint256,bytes)
            // 40c10f19 mint(address,uint256)
            // 426a8493 approve(address,uint256,uint256)
            // 42842e0e safeTransferFrom(address,address,uint256)
            found |= _zerosIn(same ^ 0x3659cfe636c78516395093513aea60f04000aea040c10f19426a849342842e0e);
            // 42966c68 burn(uint256)
            // 439e2e45 transferAsset(address,address,uint256)
            // 468721a7 execTransactionFromModule(address,uint256,bytes,uint8)
            // 47e1da2a executeBatch(address[],uint256[],bytes[])
            // 4dd18bf5 setPendingAdmin(address)
            // 4e33ad2e enableActionPolicies(bytes32,(bytes4,address,(address,bytes)[])[])
            // 4f1ef286 upgradeToAndCall(address,bytes)
            // 51945447 execute(address,uint256,bytes,uint8)
            found |= _zerosIn(same ^ 0x42966c68439e2e45468721a747e1da2a4dd18bf54e33ad2e4f1ef28651945447);
            // 5229073f execTransactionFromModuleReturnData(address,uint256,bytes,uint8)
            // 558a7297 setOperator(address,bool)
            // 5ae401dc multicall(uint256,bytes[])
            // 5b0fc9c3 setOwner(bytes32,address)
            // 5c19a95c delegate(address)
            // 62ad1b83 operatorSend(address,address,uint256,bytes,bytes)
            // 634e93da beginDefaultAdminTransfer(address)
            // 65fae35e rely(address)
            found |= _zerosIn(same ^ 0x5229073f558a72975ae401dc5b0fc9c35c19a95c62ad1b83634e93da65fae35e);
            // 66188463 decreaseApproval(address,uint256)
            // 69328dec withdraw(address,uint256,address)
            // 6a761202 execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)
            // 6b20c454 burnBatch(address,uint256[],uint256[])
            // 6d780459 transferSharesFrom(address,address,uint256)
            // 6e553f65 deposit(uint256,address)
            // 715018a6 renounceOwnership()
            // 745a41bc permit(address,uint256,uint256,bytes)
            found |= _zerosIn(same ^ 0x6618846369328dec6a7612026b20c4546d7804596e553f65715018a6745a41bc);
            // 79cc6790 burnFrom(address,uint256)
            // 79df4b9c batchSome(address[],uint256[],bytes[],uint64[])
            // 7a9e5e4b setAuthority(address)
            // 7ac2ff7b permit(address,uint256,uint256,uint8,bytes32,bytes32)
            // 7d41c86e requestRedeem(uint256,address,address)
            // 7eff275e changeProxyAdmin(address,address)
            // 85b77f45 requestDeposit(uint256,address,address)
            // 8720316d withdrawCollateral((address,address,address,address,uint256),uint256,address,address)
            found |= _zerosIn(same ^ 0x79cc679079df4b9c7a9e5e4b7ac2ff7b7d41c86e7eff275e85b77f458720316d);
            // 87517c45 approve(address,address,uint160,uint48)
            // 88b7ab63 receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)
            // 88d695b2 batchTransfer(address[],uint256[])
            // 8f283970 changeAdmin(address)
            // 8fcb4e5b transferShares(address,uint256)
            // 8fcbaf0c permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)
            // 929c2539 transferFromWithMemo(address,address,uint256,bytes32)
            // 94bf804d mint(uint256,address)
            found |= _zerosIn(same ^ 0x87517c4588b7ab6388d695b28f2839708fcb4e5b8fcbaf0c929c253994bf804d);
            // 95777d59 transferWithMemo(address,uint256,bytes32)
            // 959b8c3f authorizeOperator(address)
            // 9623609d upgradeAndCall(address,address,bytes)
            // 96e292b8 batchAll(address[],uint256[],bytes[],uint64[])
            // 983b2d56 addMinter(address)
            // 9957e7f1 unfreeze(bytes32)
            // 99a88ec4 upgrade(address,address)
            // 9bd9bbc6 send(address,uint256,bytes)
            found |= _zerosIn(same ^ 0x95777d59959b8c3f9623609d96e292b8983b2d569957e7f199a88ec49bd9bbc6);
            // 9dc29fac burn(address,uint256)
            // 9f5c462a setAccountOperator(address,address,bool)
            // 9fd5a6cf permit(address,address,uint256,uint256,bytes)
            // a22cb465 setApprovalForAll(address,bool)
            // a3b22fc4 hope(address)
            // a457c2d7 decreaseAllowance(address,uint256)
            // a9059cbb transfer(address,uint256)
            // ac9650d8 multicall(bytes[])
            found |= _zerosIn(same ^ 0x9dc29fac9f5c462a9fd5a6cfa22cb465a3b22fc4a457c2d7a9059cbbac9650d8);
            // b460af94 withdraw(uint256,address,address)
            // b61d27f6 execute(address,uint256,bytes)
            // b753a98c push(address,uint256)
            // b88d4fde safeTransferFrom(address,address,uint256,bytes)
            // ba087652 redeem(uint256,address,address)
            // bb35783b move(address,address,uint256)
            // be45fd62 transfer(address,uint256,bytes)
            // beaeb388 setAllowance(address,address,uint96,uint16,uint32)
            found |= _zerosIn(same ^ 0xb460af94b61d27f6b753a98cb88d4fdeba087652bb35783bbe45fd62beaeb388);
            // c04a8a10 approveDelegation(address,uint256)
            // c16ae7a4 batch((address,address,uint256,bytes)[])
            // c1d34b89 transferFromAndCall(address,address,uint256,bytes)
            // c3b35a7e withdrawTo(address,address,uint256)
            // cae9ca51 approveAndCall(address,uint256,bytes)
            // cc53287f lockdown((address,address)[])
            // cef6d209 redeemDelegations(bytes[],bytes32[],bytes[])
            // cf0491c7 batchSomeUntilFailure(address[],uint256[],bytes[],uint64[])
            found |= _zerosIn(same ^ 0xc04a8a10c16ae7a4c1d34b89c3b35a7ecae9ca51cc53287fcef6d209cf0491c7);
            // cf092995 transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)
            // d2423b51 batch(bytes[],bool)
            // d4d9bdcd approveHash(bytes32)
            // d505accf permit(address,address,uint256,uint256,uint8,bytes32,bytes32)
            // d691c964 executeFromExecutor(bytes32,bytes)
            // d73dd623 increaseApproval(address,uint256)
            // d8fbe994 transferFromAndCall(address,address,uint256)
            // daea85c5 approve(address)
            found |= _zerosIn(same ^ 0xcf092995d2423b51d4d9bdcdd505accfd691c964d73dd623d8fbe994daea85c5);
            // e3ee160e transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)
            // e9ae5c53 execute(bytes32,bytes)
            // edd9444b permitTransferFrom(((address,uint256)[],uint256,uint256),(address,uint256)[],address,bytes)
            // eecea000 setAuthorization(address,bool)
            // ef55bec6 receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)
            // f04e283e completeOwnershipHandover(address)
            // f242432a safeTransferFrom(address,address,uint256,uint256,bytes)
            // f2d5d56b pull(address,uint256)
            found |= _zerosIn(same ^ 0xe3ee160ee9ae5c53edd9444beecea000ef55bec6f04e283ef242432af2d5d56b);
            // f2fde38b transferOwnership(address)
            // f5298aca burn(address,uint256,uint256)
            // fa6e671d setRelayerApproval(address,address,bool)
            // fc673c4f operatorBurn(address,uint256,bytes,bytes)
            // fc6f7865 collect((uint256,address,uint128,uint128))
            // fe8ec1a7 permitWitnessTransferFrom(...)
            // fe99049a transferFrom(address,address,uint256,uint256)
            // fe9d9303 burn(uint256,bytes)
            found |= _zerosIn(same ^ 0xf2fde38bf5298acafa6e671dfc673c4ffc6f7865fe8ec1a7fe99049afe9d9303);
            return found != 0;
        }
    }

    /// @dev Not zero if, and only if, one of the eight numbers in `word` is zero.
    function _zerosIn(uint256 word) private pure returns (uint256) {
        unchecked {
            return (word - ONES) & ~word & TOPS;
        }
    }
}
