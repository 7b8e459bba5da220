// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Targets that behave badly
/// @notice Compiled for the tests only.
contract ReenteringTarget {
    bytes public run;
    uint256 public entered;
    uint256 public succeeded;

    /// @notice Keeps the calldata of a run that `poke` will submit from inside.
    function arm(bytes calldata data) external {
        run = data;
    }

    /// @notice Calls back into the caller with the kept run, and swallows the outcome.
    function poke(uint256) external {
        _enterAgain();
    }

    receive() external payable {
        _enterAgain();
    }

    function _enterAgain() private {
        if (run.length == 0) return;
        bytes memory data = run;
        delete run;
        ++entered;
        (bool done,) = msg.sender.call(data);
        if (done) ++succeeded;
    }
}

/// @title Returns or reverts with as many zero bytes as it is asked for
contract BombTarget {
    function returnBytes(uint256 size) external pure {
        assembly {
            return(mload(0x40), size)
        }
    }

    function revertBytes(uint256 size) external pure {
        assembly {
            revert(mload(0x40), size)
        }
    }
}

/// @title Fails with reasons, and records what it was called with
contract FailingTarget {
    error Because(uint256 number);

    uint256 public calls;
    bytes public lastInput;
    uint256 public lastValue;

    function fail(uint256 number) external pure {
        revert Because(number);
    }

    function failWithText(uint256) external pure {
        revert("no, not today");
    }

    function record(uint256) external payable {
        ++calls;
        lastInput = msg.data;
        lastValue = msg.value;
    }
}
