// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

interface Token {
    function balanceOf(address owner) external view returns (uint256);
    function allowance(address owner, address spender) external view returns (uint256);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

/// @title Takes from one account whatever it is approved for
/// @notice Compiled for the tests only.
abstract contract Taker {
    address internal _account;
    Token[] private _tokens;

    /// @notice Says whom to take from, and what.
    function watch(address account, Token[] calldata tokens) external {
        _account = account;
        _tokens = tokens;
    }

    /// @notice Uses every approval there is, in every token, to the last unit that is there.
    function take() public {
        for (uint256 i = 0; i < _tokens.length; ++i) {
            Token token = _tokens[i];
            uint256 amount = token.allowance(_account, address(this));
            uint256 there = token.balanceOf(_account);
            if (there < amount) amount = there;
            if (amount == 0) continue;
            try token.transferFrom(_account, address(this), amount) {} catch {}
        }
    }
}

/// @title A payee, spender and target that takes whenever it is touched, and calls back
contract Adversary is Taker {
    bytes[] private _runs;
    uint256 public succeeded;

    /// @notice Keeps the calldata of runs that will be submitted from inside others.
    function arm(bytes calldata run) external {
        _runs.push(run);
    }

    fallback() external payable {
        _strike();
    }

    receive() external payable {
        _strike();
    }

    function _strike() private {
        take();
        while (_runs.length > 0) {
            bytes memory run = _runs[_runs.length - 1];
            _runs.pop();
            (bool done,) = _account.call(run);
            if (done) ++succeeded;
            take();
        }
    }
}

/// @title A router that was approved long ago: when the account calls it, it pulls what it may
contract Router is Taker {
    fallback() external payable {
        if (msg.sender == _account && msg.data.length > 0) take();
    }

    receive() external payable {}
}

/// @title An ERC-20 that keeps its books, and calls whoever receives or is approved (as ERC-777)
contract HookedToken {
    mapping(address owner => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    error NotEnough();

    /// @notice Gives `owner` some units out of nothing, and a past in which `spender` was approved for them.
    function enrich(address owner, address spender, uint256 value) external {
        balanceOf[owner] += value;
        allowance[owner][spender] += value;
    }

    /// @notice Moves `value` units of the caller to `to`.
    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    /// @notice Lets `spender` move up to `value` units of the caller.
    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        _call(spender);
        return true;
    }

    /// @notice Lets `spender` move `value` units more of the caller.
    function increaseAllowance(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] += value;
        _call(spender);
        return true;
    }

    /// @notice Moves `value` units of `from` to `to`, out of the caller's allowance.
    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        if (allowance[from][msg.sender] < value) revert NotEnough();
        allowance[from][msg.sender] -= value;
        _move(from, to, value);
        return true;
    }

    function _move(address from, address to, uint256 value) private {
        if (balanceOf[from] < value) revert NotEnough();
        balanceOf[from] -= value;
        balanceOf[to] += value;
        _call(to);
    }

    function _call(address whom) private {
        (bool done,) = whom.call{gas: gasleft() / 2}(hex"00");
        done; // whatever it says
    }
}
