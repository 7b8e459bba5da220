// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Account} from "../Account.sol";
import {Grants} from "./Grants.sol";
import {SlotHandler} from "./SlotHandler.sol";

/// @title What holds for the slots of a grant, whatever is done in whatever order
contract SlotTest {
    SlotHandler private handler;

    function setUp() external {
        handler = new SlotHandler(address(new Account()).code);
    }

    /// @notice forge calls this contract at random, and no other.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @notice No run came through that the model forbids: a nonce twice, beyond a limit, frozen, revoked, an old epoch.
    /// The slots say what the model says: calls, spent under both caps, window, nonces, status.
    function invariant_theSlotsAreWhatWasAccepted() external view {
        require(bytes(handler.broken()).length == 0, handler.broken());
        for (uint256 g; g != handler.GRANTS(); ++g) handler.requireSlots(g);
    }

    /// @notice The handler's runs are ones that the account takes: without that, nothing above would mean anything.
    function test_theHandlersRunsAreAccepted() external {
        for (uint8 i; i != 3; ++i) handler.run(i, i, 5, 0, 0);
        handler.run(1, 1, 5, 3, 2);
        require(handler.accepted() == 4, "expected four runs that are accepted");
    }
}
