"""Everything a thief or a hostile holder would try, each through the server and past it."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import httpx

from valetkey.cli.demo.attacker import Verdict, forge
from valetkey.cli.demo.cast import UNIT, pay
from valetkey.cli.demo.score import attempt
from valetkey.client import AsyncValetkey, Call
from valetkey.client.proofs import Sent, Signed
from valetkey.core.errors import Code
from valetkey.core.permission.effects import selector_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from valetkey.cli.demo.cast import Cast, Held

TRANSFER: Final = selector_of("transfer(address,uint256)")
APPROVE: Final = selector_of("approve(address,uint256)")


@dataclass(frozen=True, slots=True)
class Attack:
    """
    One thing that must not work.

    Args:
        through: The attempt through the server, and the refusal that it must get.
        past: The calldata that goes to the account directly, and the refusal that it must get.
    """

    what: str
    through: Callable[[], Awaitable[Verdict]]
    refused_here: Code
    past: Callable[[], Awaitable[bytes]]
    refused_there: Code


def attacks(cast: Cast, held: Held, dying: Held, unsigned: Held, mined: bytes) -> list[Attack]:
    """
    Return what is tried.

    Args:
        held: A session in use.
        dying: One whose time is over.
        unsigned: One that the owner has not signed.
        mined: The calldata of a run that was made already.
    """
    return [
        *_beyond_the_limits(cast, held),
        *_other_places(cast, held),
        *_other_times(cast, held, dying, unsigned, mined),
        *_other_people(cast, held),
    ]


def _through(what: Held, *calls: Call) -> Callable[[], Awaitable[Verdict]]:
    return lambda: attempt(what.session.run(calls))


def _transfer(token: bytes, recipient: bytes, units: int, *, selector: bytes = TRANSFER) -> Call:
    return Call(token, 0, selector + recipient.rjust(32, b"\0") + units.to_bytes(32))


def _beyond_the_limits(cast: Cast, held: Held) -> list[Attack]:
    friend, token, attacker = cast.friends[0], cast.token, cast.attacker
    return [
        Attack(
            "more than the cap",
            _through(held, _transfer(token, friend, 15 * UNIT)),
            Code.CAP_EXCEEDED,
            lambda: attacker.run(held.loot, pay(friend, 15 * UNIT)),
            Code.CAP_EXCEEDED,
        ),
        Attack(
            "another recipient",
            _through(held, _transfer(token, cast.stranger, UNIT)),
            Code.RECIPIENT_NOT_ALLOWED,
            lambda: attacker.run(held.loot, pay(cast.stranger, UNIT)),
            Code.ARGUMENT_REFUSED,
        ),
    ]


def _other_places(cast: Cast, held: Held) -> list[Attack]:
    """The chain cannot even be asked for these: a grant that says so was never signed."""
    friend, account = cast.friends[0], cast.owner.address
    attacker, loot = cast.attacker, held.loot
    return [
        Attack(
            "another contract",
            _through(held, _transfer(cast.stranger, friend, UNIT)),
            Code.TARGET_NOT_ALLOWED,
            lambda: attacker.run(forge(loot, target=cast.stranger), pay(friend, UNIT)),
            Code.NOT_GRANTED,
        ),
        Attack(
            "another function",
            _through(held, _transfer(cast.token, friend, UNIT, selector=APPROVE)),
            Code.SELECTOR_NOT_ALLOWED,
            lambda: attacker.run(forge(loot, selector=APPROVE), pay(friend, UNIT)),
            Code.NOT_GRANTED,
        ),
        Attack(
            "the account itself",
            _through(held, _transfer(account, friend, UNIT)),
            Code.TARGET_FORBIDDEN,
            lambda: attacker.run(forge(loot, target=account), pay(friend, UNIT)),
            Code.TARGET_FORBIDDEN,
        ),
    ]


def _other_times(cast: Cast, held: Held, dying: Held, unsigned: Held, mined: bytes) -> list[Attack]:
    friend, attacker = cast.friends[0], cast.attacker
    call = _transfer(cast.token, friend, UNIT)

    async def replayed() -> bytes:
        return mined

    return [
        Attack(
            "the same signed request again",
            lambda: _replay(cast, held),
            Code.PROOF_REPLAYED,
            replayed,
            Code.NONCE_USED,
        ),
        Attack(
            "after its time",
            _through(dying, call),
            Code.SESSION_EXPIRED,
            lambda: attacker.run(dying.loot, pay(friend, UNIT)),
            Code.SESSION_EXPIRED,
        ),
        Attack(
            "without the owner's signature",
            _through(unsigned, call),
            Code.SESSION_PENDING,
            lambda: attacker.run(unsigned.loot, pay(friend, UNIT)),
            Code.NOT_GRANTED,
        ),
    ]


def _other_people(cast: Cast, held: Held) -> list[Attack]:
    friend, attacker, loot = cast.friends[0], cast.attacker, held.loot
    unsigned = replace(forge(loot, selector=APPROVE), owner_signature=None)
    return [
        Attack(
            "a stolen read token, to act (on chain: some other key)",
            lambda: _act_with_token(cast, _transfer(cast.token, friend, UNIT)),
            Code.READ_ONLY,
            lambda: attacker.run(replace(loot, key=secrets.token_bytes(32)), pay(friend, UNIT)),
            Code.SIGNATURE_REFUSED,
        ),
        Attack(
            "a read session, to open another (on chain: without a grant)",
            lambda: _open_with_token(cast),
            Code.NOT_ALLOWED,
            lambda: attacker.run(unsigned),
            Code.NOT_GRANTED,
        ),
        Attack(
            "a session, to give itself more",
            lambda: _open_with_session(cast, held),
            Code.NOT_ALLOWED,
            lambda: attacker.run(attacker.widen(loot), pay(cast.stranger, 50 * UNIT)),
            Code.NOT_GRANTED,
        ),
    ]


async def _replay(cast: Cast, held: Held) -> Verdict:
    """Send the very same signed bytes twice."""
    url = f"{cast.local.url}/v1/session"
    proof = Signed(held.session.id, held.key)
    fields = proof.headers(Sent("GET", url, b"", is_write=False), request_id=_fresh())
    async with httpx.AsyncClient(trust_env=False) as client:
        first = await client.get(url, headers=fields)
        again = await client.get(url, headers=fields)
    if first.is_error:
        return Verdict("", f"the first one was refused with {first.status_code}")
    return Verdict(again.json().get("code", ""), again.json().get("detail", ""))


async def _act_with_token(cast: Cast, call: Call) -> Verdict:
    opened = await cast.vk.sessions.open_reader(expires_in=60, account_id=cast.account.id)
    body = {"calls": [{"to": f"0x{call.to.hex()}", "data": f"0x{call.data.hex()}"}]}
    fields = {"authorization": f"Bearer {opened.token}", "idempotency-key": _fresh()}
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{cast.local.url}/v1/runs", json=body, headers=fields)
    return Verdict(answer.json().get("code", ""), answer.json().get("detail", ""))


async def _open_with_token(cast: Cast) -> Verdict:
    opened = await cast.vk.sessions.open_reader(expires_in=60, account_id=cast.account.id)
    async with AsyncValetkey(cast.local.url, api_key=opened.token) as thief:
        return await attempt(thief.sessions.open_reader(expires_in=600))


async def _open_with_session(cast: Cast, held: Held) -> Verdict:
    async with AsyncValetkey(cast.local.url) as nobody:
        itself = nobody.signed_by(held.session.id, held.key)
        return await attempt(itself.sessions.open_reader(expires_in=600))


def _fresh() -> str:
    return secrets.token_urlsafe(24)


async def wait_until(at: int) -> None:
    """Return once it is *at*, in Unix seconds."""
    await asyncio.sleep(max(at - time.time(), 0) + 0.1)
