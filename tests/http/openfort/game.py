"""A game on a chain, its player with an account, and what they ask for and sign by raw HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from eth_account import Account
from eth_account.messages import encode_defunct
from hexbytes import HexBytes

from tests.http.calls import unique
from valetkey.core.ids import Prefix
from valetkey.devchain.deploy import create
from valetkey.http.dialects.openfort import ids

if TYPE_CHECKING:
    import httpx
    from eth_account.signers.local import LocalAccount

    from tests.http.openfort.stage import Stage
    from valetkey.devchain import Deployment, Node

HOUR_S: Final = 3600
# mint(address), and anything else with an argument: one more for whoever the first argument names.
_COUNTS: Final = bytes.fromhex("600b80600b6000396000f36004358054600101905500")
_REVERTS: Final = bytes.fromhex("600580600b6000396000f360006000fd")
ABI: Final = [
    {"type": "function", "name": "mint", "inputs": [{"name": "to", "type": "address"}]},
    {"type": "function", "name": "name", "inputs": [], "stateMutability": "view"},
]


def personal(key: LocalAccount, digest: str) -> str:
    """Return what ``signMessage({message: {raw: digest}})`` returns."""
    signed = key.sign_message(encode_defunct(hexstr=digest))
    return "0x" + signed.signature.hex().removeprefix("0x")


def plain(key: LocalAccount, digest: str) -> str:
    """Return what signs the digest as it is."""
    signed = key.unsafe_sign_hash(HexBytes(digest))  # type: ignore[arg-type]
    return "0x" + signed.signature.hex().removeprefix("0x")


def to_sign(body: dict[str, Any]) -> str:
    """Return what there is to sign."""
    digest: str = body["nextAction"]["payload"]["signableHash"]
    return digest


@dataclass(frozen=True, slots=True)
class Game:
    """
    A game.

    Args:
        address: 0x and hex; *broken* is of a contract that reverts.
        contract: The id under which it was noted.
    """

    stage: Stage
    node: Node
    deployment: Deployment
    address: str
    broken: str
    contract: str

    def minted(self, whom: str) -> int:
        """Return how often it has minted for *whom*, as the chain says."""
        slot = f"0x{whom[2:].lower():0>64}"
        return int(self.node.rpc.ask("eth_getStorageAt", self.address, slot, "latest"), 16)

    async def player(self, **account: Any) -> Player:  # noqa: ANN401 - fields of an account
        """Return a new player, whose account nobody has used yet."""
        owner = Account.create()
        player = await self.stage.made("/v1/players", {"name": "Ada"})
        body = {
            "chainId": self.stage.chain_id,
            "player": player["id"],
            "externalOwnerAddress": owner.address,
            **account,
        }
        made = await self.stage.made("/v1/accounts", body)
        return Player(self, player["id"], made, owner)


async def make_game(stage: Stage, node: Node, deployment: Deployment) -> Game:
    """Return a new game."""
    made = [create(node.rpc, deployment.deployer, code) for code in (_COUNTS, _REVERTS)]
    address, broken = ("0x" + one.hex() for one in made)
    body = {"name": "Game", "chainId": stage.chain_id, "address": address, "abi": ABI}
    contract = await stage.made("/v1/contracts", body)
    return Game(stage, node, deployment, address, broken, contract["id"])


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was asked for, and its key."""

    body: dict[str, Any]
    key: LocalAccount = field(repr=False)

    @property
    def id(self) -> str:
        """Its id."""
        session_id: str = self.body["id"]
        return session_id


@dataclass(frozen=True, slots=True)
class Player:
    """
    A player with an account.

    Args:
        id: Of the player; *account* is what was answered.
        owner: Whose the account is; nobody else has that key.
    """

    game: Game
    id: str
    account: dict[str, Any]
    owner: LocalAccount = field(repr=False)

    @property
    def stage(self) -> Stage:
        """The server."""
        return self.game.stage

    def wanted(self, key: LocalAccount, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return what asks for a session under *key*; None among *more* leaves a field out."""
        now = self.stage.clock.now()
        body = {
            "address": key.address,
            "chainId": self.stage.chain_id,
            "validAfter": 0,
            "validUntil": now + HOUR_S,
            "account": self.account["id"],
            "whitelist": [self.game.address],
            **more,
        }
        return {name: value for name, value in body.items() if value is not None}

    async def ask(self, key: LocalAccount | None = None, **more: Any) -> Opened:  # noqa: ANN401
        """Return a session that waits for the owner."""
        key = key or Account.create()
        return Opened(await self.stage.made("/v1/sessions", self.wanted(key, **more)), key)

    async def sign(self, session_id: str, signature: str) -> httpx.Response:
        """Bring a signature for a session, with the publishable key."""
        path = f"/v1/sessions/{session_id}/signature"
        return await self.stage.pk.post(path, json={"signature": signature})

    async def open(self, key: LocalAccount | None = None, **more: Any) -> Opened:  # noqa: ANN401
        """Return a session that its owner has signed."""
        asked = await self.ask(key, **more)
        answer = await self.sign(asked.id, self.signed(to_sign(asked.body)))
        assert answer.status_code == 200, answer.text
        assert answer.json()["isActive"], answer.text
        return Opened(answer.json(), asked.key)

    def signed(self, digest: str) -> str:
        """Return the owner's signature, in the form that accounts of this kind take."""
        is_clone = self.account["accountType"] != "Delegated Account"
        return (personal if is_clone else plain)(self.owner, digest)

    def mint(self, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as fields of it
        """Return an interaction that mints for the account."""
        name = {"contract": self.game.contract, "functionName": "mint"}
        return {**name, "functionArgs": [self.account["id"]], **more}

    async def intend(self, *interactions: dict[str, Any], **more: Any) -> httpx.Response:  # noqa: ANN401
        """Ask for calls of the account."""
        body = {
            "account": self.account["id"],
            "chainId": self.stage.chain_id,
            "interactions": list(interactions),
            **more,
        }
        return await self.stage.sk.post("/v1/transaction_intents", json=body)

    async def sign_intent(self, intent: dict[str, Any], signature: str) -> httpx.Response:
        """Bring a signature for calls, with the publishable key."""
        path = f"/v1/transaction_intents/{intent['id']}/signature"
        return await self.stage.pk.post(path, json={"signature": signature})

    async def act(self, key: LocalAccount, *interactions: dict[str, Any]) -> httpx.Response:
        """Ask for calls and sign them with *key*."""
        answer = await self.intend(*interactions)
        if answer.status_code != 200:
            return answer
        intent = answer.json()
        return await self.sign_intent(intent, personal(key, to_sign(intent)))

    async def revoke(self, address: str, **more: Any) -> httpx.Response:  # noqa: ANN401
        """Ask for the end of a session, by its key's address or its id."""
        body = {
            "address": address,
            "chainId": self.stage.chain_id,
            "account": self.account["id"],
            **more,
        }
        return await self.stage.sk.post("/v1/sessions/revoke", json=body)

    async def shown(self, session_id: str) -> dict[str, Any]:
        """Return a session as it is shown."""
        return await self.stage.got(f"/v1/sessions/{session_id}")


def native_id(opened: Opened) -> str:
    """Return the id that the native API has for a session."""
    return ids.native(opened.id, Prefix.SESSION, ids.SESSION)


def fresh() -> dict[str, str]:
    """Return the header that makes a native write one of its own."""
    return {"idempotency-key": unique()}
