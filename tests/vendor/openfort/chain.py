"""What a chain says itself, asked by raw RPC and never through our API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from eth_abi.abi import decode, encode

from valetkey.core.ids import Prefix
from valetkey.core.session import Session
from valetkey.devchain import NodeError
from valetkey.http.dialects.openfort.ids import native
from valetkey.spec.keccak import keccak256
from valetkey.spec.permission_bytes import Status
from valetkey.spec.session_view import SessionView, decode_session_view, session_of_calldata

if TYPE_CHECKING:
    from tests.vendor.openfort.stage import Stage

MAGIC: Final = bytes.fromhex("1626ba7e")  # of ERC-1271


@dataclass(frozen=True, slots=True)
class OnChain:
    """The chain of a stage."""

    there: Stage

    def call(self, to: str, function: str, types: list[str], values: list[object]) -> bytes:
        """Return what *function* of *to* answers; nothing where there is no code."""
        data = keccak256(f"{function}({','.join(types)})".encode())[:4] + encode(types, values)
        return self.raw(to, data)

    def raw(self, to: str, data: bytes) -> bytes:
        """Return what *to* answers to *data*."""
        asked = {"to": to, "data": f"0x{data.hex()}"}
        answer: str = self.there.node.rpc.ask("eth_call", asked, "latest")
        return bytes.fromhex(answer[2:])

    def minted(self, address: str) -> int:
        """Return how much *address* was minted."""
        answer = self.call(self.there.asset, "balanceOf", ["address"], [address])
        (amount,) = decode(["uint256"], answer)
        return int(amount)

    def wei(self, address: str) -> int:
        """Return the coins of *address*."""
        return int(self.there.node.rpc.ask("eth_getBalance", address, "latest"), 16)

    def has_code(self, address: str) -> bool:
        """Say whether something is deployed at *address*."""
        code: str = self.there.node.rpc.ask("eth_getCode", address, "latest")
        return code not in {"0x", ""}

    @property
    def relayed(self) -> int:
        """How many transactions of the relayer are mined."""
        relayer = f"0x{self.there.world.relayer_address.hex()}"
        return int(self.there.node.rpc.ask("eth_getTransactionCount", relayer, "latest"), 16)

    @property
    def relayer_wei(self) -> int:
        """What the relayer has left."""
        return self.wei(f"0x{self.there.world.relayer_address.hex()}")

    def receipt(self, tx_hash: str) -> dict[str, Any]:
        """Return the receipt of a transaction."""
        told: dict[str, Any] = self.there.node.rpc.ask("eth_getTransactionReceipt", tx_hash)
        return told

    async def session(self, session_id: str, account: str) -> SessionView:
        """Return what the account says of a session; the grant itself is in our store alone."""
        key = native(session_id, Prefix.SESSION, "ses_")
        found = await self.there.world.store.read(lambda view: view.get(Session, key))
        assert found is not None
        assert found.grant is not None
        if not self.has_code(account):
            return SessionView(Status.NONE, is_open=False, calls=0)
        return decode_session_view(self.raw(account, session_of_calldata(found.grant.packed)))

    def approves(self, account: str, digest: bytes, signature: bytes) -> bool:
        """Say whether *account* takes *signature* for its own."""
        try:
            answer = self.call(
                account, "isValidSignature", ["bytes32", "bytes"], [digest, signature]
            )
        except NodeError:  # it reverted
            return False
        return answer[:4] == MAGIC

    def pass_time(self, seconds: int) -> None:
        """Have so much time pass, on the chain and for the server."""
        self.there.node.rpc.ask("evm_increaseTime", seconds)
        self.there.node.rpc.ask("evm_mine")
        self.there.clock.advance(seconds)
