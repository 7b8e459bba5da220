"""Whoever has stolen a session key, and goes to the chain directly, past the server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from valetkey.core.chain import Transaction
from valetkey.core.errors import ChainRejected, Code, Unavailable
from valetkey.devchain import dev_keys
from valetkey.spec import permission_bytes as packed
from valetkey.spec.eip712 import digest
from valetkey.spec.secp256k1 import sign_digest

if TYPE_CHECKING:
    from valetkey.core.chain import GrantState, Receipt
    from valetkey.ports import Chain

GAS_LIMIT: Final = 400_000
SOON_S: Final = 60
POLL_S: Final = 0.02
POLLS: Final = 500
V_OFFSET: Final = 27


@dataclass(frozen=True, slots=True)
class Loot:
    """
    Everything there is to steal of a session whose chain key is with its holder.

    Args:
        key: 32 bytes, the private session key.
        grant: Packed.
        owner_signature: Over the grant; None if the owner never signed it.
    """

    account: bytes
    key: bytes
    grant: bytes
    owner_signature: bytes | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What became of an attempt.

    Args:
        code: Of the refusal; empty when it went through.
    """

    code: str
    detail: str


class Attacker:
    """Sends what it likes from an address of its own, with its own money."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._payer = dev_keys()[-1]

    async def state(self, loot: Loot) -> GrantState:
        """Return what the chain keeps of the stolen grant."""
        counters = len(packed.decode_grant(loot.grant).caps)
        grant_id = packed.grant_id(loot.grant)
        return await self._chain.grant_state(loot.account, grant_id, counters=counters)

    async def run(self, loot: Loot, *calls: packed.RunCall) -> bytes:
        """Return the calldata of a run over *calls*, signed by the stolen key."""
        inside = packed.encode_calls(packed.decode_grant(loot.grant), calls)
        nonce = (await self.state(loot)).nonce_base
        deadline = (await self._chain.head()).at + SOON_S
        signed = packed.run_digest(
            packed.grant_id(loot.grant),
            inside,
            nonce=nonce,
            deadline=deadline,
            chain_id=self._chain.chain_id,
            account=loot.account,
        )
        return packed.run_calldata(
            loot.grant,
            inside,
            sign_digest(signed, loot.key),
            nonce=nonce,
            deadline=deadline,
            owner_signature=loot.owner_signature,
        )

    def widen(self, loot: Loot) -> Loot:
        """Return the loot with a grant without limits that the session key itself has signed."""
        grant = packed.decode_grant(loot.grant)
        rule = replace(grant.rules[0], meters=(), constraints=())
        wider = replace(grant, max_calls=packed.NO_CALL_LIMIT, caps=(), rules=(rule,))
        typed = packed.grant_typed_data(
            wider, epoch=0, chain_id=self._chain.chain_id, account=loot.account
        )
        signature = sign_digest(digest(typed), loot.key)
        return replace(loot, grant=packed.encode_grant(wider), owner_signature=signature)

    async def _mined(self, tx_hash: bytes) -> Receipt:
        for _ in range(POLLS):
            receipt = await self._chain.receipt(tx_hash)
            if receipt is not None:
                return receipt
            await asyncio.sleep(POLL_S)
        detail = f"expected 0x{tx_hash.hex()} to be mined, got nothing"
        raise Unavailable(Code.CHAIN_UNREACHABLE, detail)

    async def bring(self, to: bytes, data: bytes) -> Verdict:
        """Send *data* in a real transaction, and say whether it went through or what refused it."""
        chain, payer = self._chain, self._payer
        draft = Transaction(
            sender=payer.address,
            nonce=await chain.transaction_count(payer.address),
            to=to,
            value_wei=0,
            data=data,
            gas_limit=GAS_LIMIT,
            fees=await chain.fees(),
        )
        verdict = Verdict("", "it went through")
        try:
            await chain.simulate(draft)
        except ChainRejected as rejected:
            verdict = Verdict(rejected.code.value, rejected.detail)
        signature = sign_digest(chain.digest(draft), payer.secret)
        signed = chain.seal(draft, signature[:64] + bytes([signature[64] - V_OFFSET]))
        await chain.send(signed.raw)
        receipt = await self._mined(signed.tx_hash)
        if receipt.succeeded != (not verdict.code):
            ended = "succeeded" if receipt.succeeded else "failed"
            return Verdict("", f"simulated as {verdict.code or 'fine'}, but mined and {ended}")
        return verdict


def forge(loot: Loot, *, target: bytes | None = None, selector: bytes | None = None) -> Loot:
    """Return the loot with another target or function written into the grant's first rule."""
    grant = packed.decode_grant(loot.grant)
    rule = grant.rules[0]
    rule = replace(rule, target=target or rule.target, selector=selector or rule.selector)
    changed = replace(grant, rules=(rule, *grant.rules[1:]))
    return replace(loot, grant=packed.encode_grant(changed))
