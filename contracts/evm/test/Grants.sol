// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {vm} from "./Vm.sol";

/// @title Grants with one rule and two caps, and runs under them, written from the format and not from our libraries
library Grants {
    uint128 internal constant WINDOW_LIMIT = 100;
    uint128 internal constant LIFE_LIMIT = 350;
    uint32 internal constant WINDOW_S = 3600;
    uint32 internal constant MAX_CALLS = 40;
    uint40 internal constant STARTS_AT = 1_700_000_000;
    uint40 internal constant NEVER = type(uint40).max;
    address internal constant TARGET = address(0x7777777777777777777777777777777777777777);
    bytes4 internal constant SELECTOR = 0x12345678;

    bytes32 private constant CAP = keccak256("Cap(uint128 limit,uint32 window)");
    bytes32 private constant METER = keccak256("Meter(uint8 argument,uint8 cap)");
    string private constant RULE =
        "Rule(string kind,address target,bytes4 selector,Meter[] meters,Constraint[] constraints)";
    string private constant CONSTRAINT = "Constraint(uint8 argument,string operator,bytes32[] values)";

    /// @notice The packed grant of the session key `key`: argument 0 is booked to a window and to the whole life.
    function packed(address key, uint32 salt) internal pure returns (bytes memory) {
        bytes memory head = abi.encodePacked(hex"0100", key, salt, STARTS_AT, NEVER, MAX_CALLS, hex"00");
        bytes memory caps = abi.encodePacked(uint8(2), WINDOW_LIMIT, WINDOW_S, LIFE_LIMIT, uint32(0));
        bytes memory rule = abi.encodePacked(hex"02", TARGET, SELECTOR, hex"c000", hex"c001");
        return abi.encodePacked(head, caps, uint8(1), uint16(rule.length), rule);
    }

    /// @notice The hash of the grant's EIP-712 form, to be signed while the account is in `epoch`.
    function structHash(address key, uint32 salt, uint64 epoch) internal pure returns (bytes32) {
        bytes32 grantType = keccak256(
            abi.encodePacked(
                "Grant(bytes key,uint32 salt,uint64 epoch,uint40 startsAt,uint40 expiresAt,uint32 maxCalls,",
                "address relayer,Cap[] caps,Rule[] rules,bytes32 rulesRoot)Cap(uint128 limit,uint32 window)",
                CONSTRAINT,
                "Meter(uint8 argument,uint8 cap)",
                RULE
            )
        );
        bytes32 keyHash = keccak256(abi.encodePacked(key));
        bytes memory first = abi.encode(grantType, keyHash, salt, epoch, STARTS_AT, NEVER, MAX_CALLS, address(0));
        return keccak256(abi.encodePacked(first, abi.encode(_caps(), keccak256(abi.encode(_rule())), bytes32(0))));
    }

    function _caps() private pure returns (bytes32) {
        bytes32 window = keccak256(abi.encode(CAP, WINDOW_LIMIT, WINDOW_S));
        return keccak256(abi.encode(window, keccak256(abi.encode(CAP, LIFE_LIMIT, 0))));
    }

    function _rule() private pure returns (bytes32) {
        bytes32 ruleType = keccak256(abi.encodePacked(RULE, CONSTRAINT, "Meter(uint8 argument,uint8 cap)"));
        bytes32 meters = keccak256(abi.encode(keccak256(abi.encode(METER, 0, 0)), keccak256(abi.encode(METER, 0, 1))));
        return keccak256(abi.encode(ruleType, keccak256("call"), TARGET, SELECTOR, meters, keccak256("")));
    }

    /// @notice What is signed for `hash` on `account`.
    function digest(bytes32 hash, address account) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("valetkey"),
                keccak256("1"),
                block.chainid,
                account
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, hash));
    }

    /// @notice r32 | s32 | v1 by `secret` over `hash` on `account`.
    function signed(uint256 secret, bytes32 hash, address account) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest(hash, account));
        return abi.encodePacked(r, s, v);
    }

    /// @notice The calldata of a run with `count` calls of `amount` each, signed by `secret`; the owner's signature is
    /// left out when it is empty.
    function run(address account, bytes memory grant, uint256 secret, uint32 nonce, bytes memory calls, bytes memory owner)
        internal
        view
        returns (bytes memory)
    {
        bytes32 runType = keccak256("Run(bytes32 grant,uint32 nonce,uint40 deadline,bytes calls)");
        bytes32 hash = keccak256(abi.encode(runType, keccak256(grant), nonce, NEVER, keccak256(calls)));
        uint16 head = uint16(grant.length) | (owner.length == 0 ? 0 : 1 << 15);
        bytes memory start = abi.encodePacked(bytes4(keccak256("applyRun()")), head, grant, nonce, NEVER);
        return abi.encodePacked(start, calls, signed(secret, hash, account), owner);
    }

    /// @notice `count` calls of `amount` each, packed.
    function calls(uint8 count, uint256 amount) internal pure returns (bytes memory all) {
        all = abi.encodePacked(count);
        for (uint256 i; i != count; ++i) all = abi.encodePacked(all, uint8(0), uint16(32), amount);
    }
}
