"""
The published list of value-moving selectors, refused under both wide kinds of rules.

A refused function is no loss: an exact rule may still name it, with its limits. A missing one is
a hole under a wide rule, so the list leans towards refusing.
"""

from dataclasses import dataclass
from typing import Final

from valetkey.spec.keccak import keccak256

__all__ = ["VALUE_MOVING", "VALUE_MOVING_GROUPS", "Group"]


@dataclass(frozen=True, slots=True)
class Group:
    """
    Functions that are refused for one reason.

    Attributes:
        name: Where they come from.
        why: What they would do to the account; one sentence.
        functions: Their signatures, as the selector hashes them.
    """

    name: str
    why: str
    functions: tuple[str, ...]


_SPEND_DETAILS: Final = "(address,address,uint160,address)[]"
_PERMIT2_DETAILS: Final = "(address,uint160,uint48,uint48)"
_AMOUNT: Final = "(address,uint256)"
_POLICY: Final = "(address,bytes)[]"
_ACTIONS: Final = f"(bytes4,address,{_POLICY})[]"
_SESSION: Final = (
    f"(address,bytes,bytes32,{_POLICY},((bytes32,string[])[],{_POLICY}),{_ACTIONS},bool)"
)

_TOKENS: Final = (
    Group(
        "ERC-20",
        "Moves the account's tokens, or lets a spender move them later.",
        (
            "transfer(address,uint256)",
            "transferFrom(address,address,uint256)",
            "approve(address,uint256)",
            "increaseAllowance(address,uint256)",
            "decreaseAllowance(address,uint256)",
            "increaseApproval(address,uint256)",
            "decreaseApproval(address,uint256)",
        ),
    ),
    Group(
        "Tokens with transfers of their own (DAI, MKR, stETH, TIP-20, airdrops)",
        "The same under other names.",
        (
            "approve(address)",
            "push(address,uint256)",
            "pull(address,uint256)",
            "move(address,address,uint256)",
            "transferShares(address,uint256)",
            "transferSharesFrom(address,address,uint256)",
            "transferWithMemo(address,uint256,bytes32)",
            "transferFromWithMemo(address,address,uint256,bytes32)",
            "batchTransfer(address[],uint256[])",
        ),
    ),
    Group(
        "ERC-223, ERC-677, ERC-777 and ERC-1363",
        "Moves or approves tokens and calls the other side; operators move all of them.",
        (
            "transfer(address,uint256,bytes)",
            "transferAndCall(address,uint256)",
            "transferAndCall(address,uint256,bytes)",
            "transferFromAndCall(address,address,uint256)",
            "transferFromAndCall(address,address,uint256,bytes)",
            "approveAndCall(address,uint256)",
            "approveAndCall(address,uint256,bytes)",
            "send(address,uint256,bytes)",
            "operatorSend(address,address,uint256,bytes,bytes)",
            "authorizeOperator(address)",
        ),
    ),
    Group(
        "ERC-721, ERC-1155 and ERC-6909",
        "Moves single tokens or batches, or makes somebody operator of all.",
        (
            "safeTransferFrom(address,address,uint256)",
            "safeTransferFrom(address,address,uint256,bytes)",
            "setApprovalForAll(address,bool)",
            "safeTransferFrom(address,address,uint256,uint256,bytes)",
            "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
            "transfer(address,uint256,uint256)",
            "transferFrom(address,address,uint256,uint256)",
            "approve(address,uint256,uint256)",
            "setOperator(address,bool)",
        ),
    ),
    Group(
        "Minting and burning",
        "Destroys what the account holds, or creates tokens for whoever is named where it may.",
        (
            "mint(address,uint256)",
            "burn(uint256)",
            "burn(address,uint256)",
            "burnFrom(address,uint256)",
            "burn(uint256,bytes)",
            "operatorBurn(address,uint256,bytes,bytes)",
            "burn(address,uint256,uint256)",
            "burnBatch(address,uint256[],uint256[])",
        ),
    ),
)

_SIGNED: Final = (
    Group(
        "Permits (ERC-2612, DAI, ERC-7597, ERC-4494, Uniswap positions)",
        "Turns a signature that was got elsewhere into an approval.",
        (
            "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
            "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)",
            "permit(address,address,uint256,uint256,bytes)",
            "permit(address,uint256,uint256,bytes)",
            "permit(address,uint256,uint256,uint8,bytes32,bytes32)",
            "permit(address,uint256,uint256,uint256,bytes)",
            "permitForAll(address,address,bool,uint256,uint256,bytes)",
        ),
    ),
    Group(
        "ERC-3009",
        "Turns a signature that was got elsewhere into a transfer.",
        (
            "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)",
            "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)",
            "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)",
            "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)",
        ),
    ),
    Group(
        "Permit2",
        "One contract that moves every token which was ever approved to it.",
        (
            "approve(address,address,uint160,uint48)",
            "transferFrom(address,address,uint160,address)",
            f"transferFrom({_SPEND_DETAILS})",
            f"permit(address,({_PERMIT2_DETAILS},address,uint256),bytes)",
            f"permit(address,({_PERMIT2_DETAILS}[],address,uint256),bytes)",
            f"permitTransferFrom(({_AMOUNT},uint256,uint256),{_AMOUNT},address,bytes)",
            f"permitTransferFrom(({_AMOUNT}[],uint256,uint256),{_AMOUNT}[],address,bytes)",
            f"permitWitnessTransferFrom(({_AMOUNT},uint256,uint256),{_AMOUNT},address,bytes32,string,bytes)",
            f"permitWitnessTransferFrom(({_AMOUNT}[],uint256,uint256),{_AMOUNT}[],address,bytes32,string,bytes)",
            "lockdown((address,address)[])",
        ),
    ),
)

_VAULTS: Final = (
    Group(
        "Vaults, wrappers and positions (ERC-4626, ERC-7540, wrapped tokens, EntryPoint, Uniswap)",
        "Takes the account's assets in or out, for a receiver that the call names.",
        (
            "deposit(uint256,address)",
            "mint(uint256,address)",
            "withdraw(uint256,address,address)",
            "redeem(uint256,address,address)",
            "requestDeposit(uint256,address,address)",
            "requestRedeem(uint256,address,address)",
            "depositFor(address,uint256)",
            "withdrawTo(address,uint256)",
            "collect((uint256,address,uint128,uint128))",
        ),
    ),
    Group(
        "Lending and shared vaults (Aave, Compound, Morpho, Sky, Balancer)",
        "Pays collateral out to somebody else, or lets somebody use or borrow on it.",
        (
            "withdraw(address,uint256,address)",
            "withdrawTo(address,address,uint256)",
            "withdrawFrom(address,address,address,uint256)",
            "approveDelegation(address,uint256)",
            "allow(address,bool)",
            "setAuthorization(address,bool)",
            "hope(address)",
            "setRelayerApproval(address,address,bool)",
            "transferAsset(address,address,uint256)",
            "withdrawCollateral((address,address,address,address,uint256),uint256,address,address)",
            "manageUserBalance((uint8,address,uint256,address,address)[])",
        ),
    ),
)

_CONTROL: Final = (
    Group(
        "Ownership, roles and votes",
        "Hands a contract, or a power in it, to somebody else, or throws it away.",
        (
            "delegate(address)",
            "transferOwnership(address)",
            "renounceOwnership()",
            "completeOwnershipHandover(address)",
            "setOwner(address)",
            "setOwner(bytes32,address)",
            "setAuthority(address)",
            "setPendingAdmin(address)",
            "beginDefaultAdminTransfer(address)",
            "grantRole(bytes32,address)",
            "grantRole(uint64,address,uint32)",
            "grantRoles(address,uint256)",
            "addMinter(address)",
            "rely(address)",
        ),
    ),
    Group(
        "Upgrades",
        "Exchanges the code of a contract that the account controls.",
        (
            "upgradeTo(address)",
            "upgradeToAndCall(address,bytes)",
            "changeAdmin(address)",
            "upgrade(address,address)",
            "upgradeAndCall(address,address,bytes)",
            "changeProxyAdmin(address,address)",
            "diamondCut((address,uint8,bytes4[])[],address,bytes)",
        ),
    ),
)

_WRAPPERS: Final = (
    Group(
        "Calls inside calls",
        "Makes any other call of this list as the account, or spends what it approved to a router.",
        (
            "multicall(bytes[])",
            "multicall(uint256,bytes[])",
            "multicall(bytes32,bytes[])",
            "batch(bytes[],bool)",
            "execute(bytes,bytes[])",
            "execute(bytes,bytes[],uint256)",
            "call(address,address,uint256,bytes)",
            "batch((address,address,uint256,bytes)[])",
            # A precompile (Moonbeam's) that makes its calls as whoever asks: also to the account.
            "batchAll(address[],uint256[],bytes[],uint64[])",
            "batchSome(address[],uint256[],bytes[],uint64[])",
            "batchSomeUntilFailure(address[],uint256[],bytes[],uint64[])",
        ),
    ),
    Group(
        "Accounts under the account (ERC-7579, ERC-7821, ERC-7710, ERC-6551, Safe, timelocks)",
        "Acts as another account, or opens it to somebody else.",
        (
            "execute(bytes32,bytes)",
            "executeFromExecutor(bytes32,bytes)",
            "execute(address,uint256,bytes)",
            "execute(address,uint256,bytes,uint8)",
            "execute(address,bytes)",
            "executeBatch((address,uint256,bytes)[])",
            "executeBatch(address[],uint256[],bytes[])",
            "executeBatch(address[],bytes[])",
            "redeemDelegations(bytes[],bytes32[],bytes[])",
            "applyRun()",
            "unfreeze(bytes32)",
            "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)",
            "execTransactionFromModule(address,uint256,bytes,uint8)",
            "execTransactionFromModuleReturnData(address,uint256,bytes,uint8)",
            "approveHash(bytes32)",
            "schedule(address,uint256,bytes,bytes32,bytes32,uint256)",
        ),
    ),
    Group(
        "Sessions of other systems (SmartSession, Safe allowances, Euler's connector)",
        "Opens a session or an allowance beside this one, without its limits.",
        (
            f"enableSessions({_SESSION}[])",
            f"enableActionPolicies(bytes32,{_ACTIONS})",
            "setAllowance(address,address,uint96,uint16,uint32)",
            "setAccountOperator(address,address,bool)",
        ),
    ),
)

VALUE_MOVING_GROUPS: Final = (*_TOKENS, *_SIGNED, *_VAULTS, *_CONTROL, *_WRAPPERS)
"""The list in its reading order."""
VALUE_MOVING: Final[dict[bytes, str]] = dict(
    sorted(
        (keccak256(function.encode())[:4], function)
        for group in VALUE_MOVING_GROUPS
        for function in group.functions
    )
)
"""Each selector with the signature of its function, in ascending order of the selectors."""
