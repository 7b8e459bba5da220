"""A shop that follows the page: a player with an account, a contract, and a policy for the gas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from eth_account import Account
from eth_account.messages import encode_defunct

from tests.vendor.openfort.chain import OnChain
from tests.vendor.openfort.page import Curl, curl

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from tests.vendor.openfort.page import Said
    from tests.vendor.openfort.stage import Stage

CHAIN: Final = "chainId=80002"
HOUR_S: Final = 3600
MINT: Final = {
    "type": "function",
    "name": "mint",
    "stateMutability": "nonpayable",
    "inputs": [{"name": "to", "type": "address"}],
    "outputs": [],
}


BALANCE: Final = {
    "type": "function",
    "name": "balanceOf",
    "stateMutability": "view",
    "inputs": [{"name": "owner", "type": "address"}],
    "outputs": [{"name": "", "type": "uint256"}],
}


def signed(key: LocalAccount, digest: str) -> str:
    """Return what ``signMessage({message: {raw: digest}})`` returns, for *key*."""
    message = encode_defunct(primitive=bytes.fromhex(digest[2:]))
    return "0x" + key.sign_message(message).signature.hex().removeprefix("0x")


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was asked for: what was answered, and its key."""

    said: Said
    key: LocalAccount

    @property
    def id(self) -> str:
        """Its id."""
        session_id: str = self.said.body["id"]
        return session_id

    @property
    def digest(self) -> str:
        """What there is to sign."""
        digest: str = self.said.payload["signableHash"]
        return digest


@dataclass(frozen=True, slots=True)
class Shop:
    """
    Who is there, by id.

    Args:
        owner: Of the account; nobody else has that key.
        address: Of the account on the chain.
    """

    there: Stage
    curl: Curl
    chain: OnChain
    owner: LocalAccount
    player: str
    account: str
    address: str
    contract: str
    policy: str

    def times(self, *, after: int = 0, for_s: int = HOUR_S) -> tuple[str, str]:
        """Return the fields of a window that ends so long after now."""
        return f"validAfter={after}", f"validUntil={self.there.clock.now() + for_s}"

    async def ask(
        self, *fields: str, key: LocalAccount | None = None, for_s: int = HOUR_S
    ) -> Opened:
        """Ask for a session under a new key, with *fields* beside those that all have."""
        key = key or Account.create()
        has_after = any(one.startswith("validAfter=") for one in fields)
        times = self.times(for_s=for_s)[has_after:]
        said = await self.curl.form(
            "/v1/sessions",
            *(f"address={key.address}", CHAIN, *times),
            *(f"account={self.account}", f"policy={self.policy}", *fields),
        )
        return Opened(said, key)

    async def sign(self, opened: Opened, digest: str | None = None) -> Said:
        """Sign a session as the owner, from a browser."""
        signature = signed(self.owner, digest or opened.digest)
        path = f"/v1/sessions/{opened.id}/signature"
        return await self.curl.form(path, f"signature={signature}", key=self.there.public)

    async def open(self, *fields: str, for_s: int = HOUR_S) -> Opened:
        """Return a live session, for the contract alone unless *fields* have a whitelist."""
        if not any(one.startswith(("whitelist", "limit")) for one in fields):
            fields = (*fields, f"whitelist[]={self.there.asset}")
        opened = await self.ask(*fields, for_s=for_s)
        assert opened.said.status == 200, opened.said.body
        signed_one = await self.sign(opened)
        assert (signed_one.status, signed_one.body["isActive"]) == (200, True), signed_one.body
        return opened

    async def intend(self, *fields: str, policy: str | None = None) -> Said:
        """Ask for a transaction of the account; an empty *policy* names none."""
        named = self.policy if policy is None else policy
        paid = (f"policy={named}",) if named else ()
        return await self.curl.form(
            "/v1/transaction_intents", f"account={self.account}", CHAIN, *paid, *fields
        )

    def mint(self) -> tuple[str, ...]:
        """Return the fields of an interaction that mints for the account, said by its id."""
        return (
            f"interactions[0][contract]={self.contract}",
            "interactions[0][functionName]=mint",
            f"interactions[0][functionArgs][0]={self.account}",
        )

    async def sign_intent(self, intent: Said, key: LocalAccount) -> Said:
        """Sign *intent* with *key*, from a browser."""
        path = f"/v1/transaction_intents/{intent.body['id']}/signature"
        signature = signed(key, intent.payload["signableHash"])
        return await self.curl.form(path, f"signature={signature}", key=self.there.public)

    async def act(self, opened: Opened, *fields: str, policy: str | None = None) -> Said:
        """Have the session's key do what *fields* say: mint, unless they say something."""
        intent = await self.intend(*(fields or self.mint()), policy=policy)
        if intent.status != 200:
            return intent
        return await self.sign_intent(intent, opened.key)

    async def revoke(self, opened: Opened) -> Said:
        """Revoke a session as the owner; return what was answered to the signature."""
        said = await self.curl.form(
            "/v1/sessions/revoke",
            *(f"account={self.account}", f"address={opened.key.address}", CHAIN),
            f"policy={self.policy}",
        )
        assert said.status == 200, said.body
        return await self.sign(opened, said.payload["signableHash"])


async def make_shop(there: Stage) -> Shop:
    """Return a shop that was set up with forms alone."""
    shell, owner = curl(there), Account.create()
    player = await _made(shell, "/v1/players", "name=Ada")
    account = await _made(
        shell,
        "/v1/accounts",
        *(f"player={player['id']}", CHAIN, f"externalOwnerAddress={owner.address}"),
    )
    contract = await _made(
        shell,
        "/v1/contracts",
        *("name=Token", CHAIN, f"address={there.asset}", *_abi()),
    )
    policy = await make_policy(shell, contract["id"])
    return Shop(
        *(there, shell, OnChain(there), owner),
        player=player["id"],
        account=account["id"],
        address=account["address"],
        contract=contract["id"],
        policy=policy,
    )


def _abi() -> list[str]:
    fields = [f"abi[0][{name}]={value}" for name, value in MINT.items() if isinstance(value, str)]
    inputs: Any = MINT["inputs"]
    for at, one in enumerate(inputs):
        fields += [f"abi[0][inputs][{at}][{name}]={value}" for name, value in one.items()]
    return fields


async def make_policy(shell: Curl, contract: str, *, for_account: bool = True) -> str:
    """Return a policy that pays for calls of *contract*, and for what is done on accounts."""
    policy = await _made(
        shell, "/v1/policies", "name=Gas", CHAIN, "strategy[sponsorSchema]=pay_for_user"
    )
    rules: list[tuple[str, ...]] = [
        ("type=contract_functions", f"contract={contract}", "functionName=All functions")
    ]
    if for_account:
        rules.append(("type=account_functions",))
    for rule in rules:
        await _made(shell, "/v1/policy_rules", f"policy={policy['id']}", *rule)
    policy_id: str = policy["id"]
    return policy_id


async def _made(shell: Curl, path: str, *fields: str) -> dict[str, Any]:
    said = await shell.form(path, *fields)
    assert said.status in {200, 201}, said.body
    made: dict[str, Any] = said.body
    return made
