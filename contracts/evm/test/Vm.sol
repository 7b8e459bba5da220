// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title What the tests ask of forge beyond the EVM
interface Vm {
    function warp(uint256 at) external;
    function prank(address sender) external;
    function etch(address account, bytes calldata code) external;
    function addr(uint256 secret) external pure returns (address);
    function sign(uint256 secret, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
}

Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
