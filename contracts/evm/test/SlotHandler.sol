// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Account} from "../Account.sol";
import {Grants} from "./Grants.sol";
import {vm} from "./Vm.sol";

/// @title Does to one account what owners, holders and strangers can do, and keeps a plain model of its grants
contract SlotHandler {
    uint256 private constant OWNER = 0xa11ce;
    uint256 private constant HOLDER = 0xb0b;
    uint256 private constant NONE = 0;
    uint256 private constant OPEN = 1;
    uint256 private constant FROZEN = 2;
    uint256 private constant REVOKED = 3;
    uint256 public constant GRANTS = 4;

    struct Model {
        uint256 status;
        bool wasOpen;
        uint256 calls;
        uint256 window;
        uint256 spentInWindow;
        uint256 spent;
        uint256 base;
        uint32 salt;
        bytes lastRun;
    }

    Model[GRANTS] private models;
    mapping(uint256 g => mapping(uint256 nonce => bool)) private used;
    Account private immutable account;
    address private immutable key;
    uint256 private time;
    /// @notice What came through that must not, in words.
    string public broken;
    uint256 public accepted;

    /// @dev forge does not keep a time that was set before its first call.
    modifier atItsTime() {
        vm.warp(time);
        _;
    }

    constructor(bytes memory code) {
        address owner = vm.addr(OWNER);
        vm.etch(owner, code);
        account = Account(payable(owner));
        key = vm.addr(HOLDER);
        time = Grants.STARTS_AT;
        for (uint256 g; g != GRANTS; ++g) models[g].salt = uint32(g);
    }

    /// @notice A run with a nonce near the base; with the owner's signature over this epoch, the one before, or none.
    function run(uint256 g, uint8 count, uint256 amount, uint8 ahead, uint8 signature) external atItsTime {
        g %= GRANTS;
        uint32 nonce = uint32(models[g].base + (ahead < 128 ? ahead % 4 : ahead % 34));
        if (ahead > 240 && nonce > 0) --nonce;
        amount = amount % 11 == 0 ? amount : amount % (Grants.WINDOW_LIMIT / 4);
        _submit(g, nonce, count % 4, amount, signature % 3);
    }

    /// @notice A run as a holder sends it: the next nonce, a small amount, everything signed.
    function runInOrder(uint256 g, uint8 count, uint8 amount) external atItsTime {
        g %= GRANTS;
        _submit(g, uint32(models[g].base), count % 3, amount % 25, 0);
    }

    /// @notice The last run that was accepted, once more.
    function replay(uint256 g) external atItsTime {
        if (models[g %= GRANTS].lastRun.length == 0) return;
        (bool done,) = address(account).call(models[g].lastRun);
        if (done) broken = "a run twice";
    }

    function register(uint256 g, uint8 signature) external atItsTime {
        g %= GRANTS;
        try account.register(grantOf(g), _owner(g, signature % 3)) {
            _enable(g, signature % 3);
        } catch {}
    }

    function freeze(uint256 g, uint8 seldom) external {
        if (seldom % 8 != 5) return;
        g %= GRANTS;
        vm.prank(address(account));
        try account.freeze(keccak256(grantOf(g))) {
            if (models[g].status > OPEN) broken = "frozen, frozen or revoked before";
            models[g].wasOpen = models[g].status == OPEN;
            models[g].status = FROZEN;
        } catch {}
    }

    function unfreeze(uint256 g) external {
        g %= GRANTS;
        vm.prank(address(account));
        try account.unfreeze(keccak256(grantOf(g))) {
            if (models[g].status != FROZEN) broken = "unfrozen, never frozen";
            models[g].status = models[g].wasOpen ? OPEN : NONE;
        } catch {}
    }

    /// @notice Seldom, or there would soon be nothing left to do.
    function revoke(uint256 g, uint8 seldom) external {
        if (seldom % 32 != 5) return;
        g %= GRANTS;
        vm.prank(address(account));
        account.revoke(keccak256(grantOf(g)));
        models[g].status = REVOKED;
    }

    function raiseEpoch(uint8 seldom) external {
        if (seldom % 8 != 5) return;
        vm.prank(address(account));
        account.raiseEpoch();
    }

    function wait(uint256 span) external {
        time += span % 3 == 0 ? Grants.WINDOW_S - 1 : span % (2 * Grants.WINDOW_S);
    }

    /// @notice Reverts unless the chain keeps of grant `g` what the model says.
    function requireSlots(uint256 g) external view {
        Model storage model = models[g];
        bytes32 id = keccak256(grantOf(g));
        uint256 state = account.stateOf(id);
        require(state >> 254 == model.status, "another status");
        require(uint32(state >> 222) == model.calls && model.calls <= Grants.MAX_CALLS, "another count");
        require(uint32(state >> 190) == model.window, "another window");
        require(uint128(state) == model.spentInWindow, "another amount in the window");
        require(model.spentInWindow <= Grants.WINDOW_LIMIT, "more than the window holds");
        require(account.capOf(id, 1) == model.spent && model.spent <= Grants.LIFE_LIMIT, "another amount in all");
        require(uint32(state >> 158) == model.base, "another nonce base");
        for (uint256 i; i != 30; ++i) {
            bool isUsed = (state >> (128 + i)) & 1 == 1;
            require(isUsed == used[g][model.base + 1 + i], "another bitmap");
        }
    }

    function grantOf(uint256 g) public view returns (bytes memory) {
        return Grants.packed(key, models[g].salt);
    }

    function _submit(uint256 g, uint32 nonce, uint8 count, uint256 amount, uint8 signature) private {
        bytes memory calls = Grants.calls(count, amount);
        bytes memory data = Grants.run(address(account), grantOf(g), HOLDER, nonce, calls, _owner(g, signature));
        (bool done,) = address(account).call(data);
        if (done) _accept(g, nonce, count, amount, signature, data);
    }

    function _accept(uint256 g, uint32 nonce, uint256 count, uint256 amount, uint8 signature, bytes memory data) private {
        Model storage model = models[g];
        _enable(g, signature);
        if (used[g][nonce]) broken = "a nonce twice";
        if (nonce > model.base + 30) broken = "a nonce too far";
        used[g][nonce] = true;
        while (used[g][model.base]) ++model.base;
        model.calls += count == 0 ? 1 : count;
        uint256 window = (time - Grants.STARTS_AT) / Grants.WINDOW_S;
        if (count != 0 && window != model.window) {
            if (window < model.window) broken = "a window gone by";
            (model.window, model.spentInWindow) = (window, 0);
        }
        model.spentInWindow += count * amount;
        model.spent += count * amount;
        model.lastRun = data;
        ++accepted;
    }

    function _enable(uint256 g, uint8 signature) private {
        Model storage model = models[g];
        if (model.status == FROZEN) broken = "used while frozen";
        if (model.status == REVOKED) broken = "used after it was revoked";
        if (model.status == NONE && signature != 0) broken = "opened without the owner, or in another epoch";
        model.status = OPEN;
    }

    /// @dev 0: the owner's signature over this epoch. 1: over another. 2: none.
    function _owner(uint256 g, uint8 signature) private view returns (bytes memory) {
        if (signature == 2) return "";
        uint64 epoch = account.epoch();
        if (signature == 1) epoch = epoch == 0 ? 1 : epoch - 1;
        return Grants.signed(OWNER, Grants.structHash(key, models[g].salt, epoch), address(account));
    }
}
