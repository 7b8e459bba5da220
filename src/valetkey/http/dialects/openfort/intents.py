"""Transaction intents: calls of an account that its owner or a session key signs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from valetkey.core.activity import Activity
from valetkey.core.errors import ChainRejected, Malformed, Unavailable
from valetkey.core.ids import Prefix
from valetkey.core.principal import PrincipalKind
from valetkey.core.scope import Scope
from valetkey.core.wallet import Account
from valetkey.flows.custodial import sign_if_kept
from valetkey.flows.execution_reads import estimate
from valetkey.flows.executions import prepare, sign_execution
from valetkey.flows.gate import present
from valetkey.flows.reached import account_to_read
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.chains import ChainId, chain_of
from valetkey.http.dialects.openfort.intent_json import IntentJson, is_intent, write_intent
from valetkey.http.dialects.openfort.intent_list import Intents, list_intents
from valetkey.http.dialects.openfort.interactions import Interaction, calls_of
from valetkey.http.dialects.openfort.lists import Part
from valetkey.http.dialects.openfort.named_addresses import Names
from valetkey.http.dialects.openfort.session_signed import Signature, read_signature
from valetkey.http.dialects.openfort.sessions import policy_of
from valetkey.http.dialects.openfort.whose import Whose, account_for, account_of
from valetkey.http.routes import EVERY_KEY, PUBLISHABLE, SECRET_OR_SESSION, Ask, Read, Route, Write
from valetkey.wire.base import read_address, read_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.permission.model import Call
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads
    from valetkey.ports import View

PATH: Final = "/v1/transaction_intents"
_AUTHORIZATION_BYTES: Final = 65


class Create(Struct, frozen=True, rename="camel"):
    """
    Calls to make.

    Args:
        interactions: None at all is an empty batch, which is one use of whoever signs it.
        account, player: Whose; a player has the account on that chain.
        address: Of the session key that will sign; looked past but where this server has the
            owner's key, which signs at once unless a session key is named here.
        policy: What is to pay; none is the organization's fund.
        external_owner_address: Who owns the account, if the player has none there yet.
        signed_authorization: By an account's key, for our code (EIP-7702), 65 bytes.
        optimistic: Looked past: what is answered is what is known.
    """

    chain_id: ChainId
    interactions: list[Interaction] | None = None
    account: str | None = None
    player: str | None = None
    address: str | None = None
    policy: str | None = None
    external_owner_address: str | None = None
    signed_authorization: str | None = None
    optimistic: bool | None = None


class Estimated(Struct, frozen=True):
    """
    What calls would cost now, as text: gas at most, and wei.

    Args:
        estimatedTXGasFeeUSD: Always 0: nobody here knows what a coin is worth.
    """

    estimatedTXGas: str  # noqa: N815 - no rule makes these names
    estimatedTXGasFee: str  # noqa: N815
    gasPrice: str  # noqa: N815
    estimatedTXGasFeeUSD: str = "0"  # noqa: N815


async def _create(admitted: Admitted, ask: Ask[Create, NoQuery]) -> IntentJson:
    world, principal, body = admitted.world, admitted.principal, ask.body
    chain = chain_of(world.chains, body.chain_id)
    hint = read_address(body.address, "address") if body.address else None
    whose = Whose(chain, body.account, body.player, body.external_owner_address)
    signed = body.signed_authorization
    authorization = (
        read_bytes(signed, "signedAuthorization", count=_AUTHORIZATION_BYTES) if signed else None
    )
    account = await account_for(admitted, whose)
    calls = await _calls(admitted.reads, principal, chain, body)
    try:
        activity = await prepare(
            world,
            principal,
            admitted.request,
            account_id=account.id,
            calls=calls,
            sponsorship_id=policy_of(body.policy),
            authorization=authorization,
        )
    except Malformed as error:
        raise _of_interactions(error) from None
    if hint is None and principal.kind is PrincipalKind.SECRET:
        activity = await sign_if_kept(world, principal, activity)
    return await _answered(admitted.reads, activity, account)


async def _answered(see: Reads, activity: Activity, account: Account) -> IntentJson:
    """Return an intent as it is answered alone, with what contracts said if the node tells."""
    mined = activity.outcome.tx_hash if activity.outcome else None
    if mined is None:
        return write_intent(activity, account)
    try:
        logs = await see.chain(account.chain).logs(mined)
    except (Unavailable, ChainRejected):
        logs = ()
    return write_intent(activity, account, logs)


async def _calls(see: Reads, principal: Principal, chain: str, body: Create) -> tuple[Call, ...]:
    asked: Sequence[Interaction] = body.interactions or ()
    return await see.store.read(lambda view: calls_of(asked, Names(view, principal, chain)))


def _of_interactions(error: Malformed) -> Malformed:
    """Return *error* on a call as one on what the caller wrote."""
    if not error.detail.startswith("calls"):
        return error
    detail = f"interactions{error.detail.removeprefix('calls')}"
    return Malformed(error.code, detail, field=detail.partition(":")[0])


async def _sign(admitted: Admitted, ask: Ask[Signature, NoQuery]) -> IntentJson:
    activity = await sign_execution(
        admitted.world,
        admitted.principal,
        activity_id=_id(ask.id),
        signature=read_signature(ask.body.signature),
    )
    account_id = activity.account_id or ""
    found = await admitted.world.store.read(lambda view: view.get(Account, account_id))
    return await _answered(admitted.reads, activity, present(found, "account"))


def _id(text: str) -> str:
    return ids.native(text, Prefix.ACTIVITY, ids.INTENT)


async def _get(see: Reads, principal: Principal, ask: Ask[None, Intents]) -> IntentJson:
    activity_id = _id(ask.id)

    def body(view: View) -> tuple[Activity, Account]:
        activity = present(view.get(Activity, activity_id), "transaction intent")
        if not is_intent(activity):
            return present(None, "transaction intent")
        return activity, account_to_read(view, principal, activity.account_id or "")

    return await _answered(see, *await see.store.read(body))


async def _list(see: Reads, principal: Principal, ask: Ask[None, Intents]) -> Part[IntentJson]:
    return await see.store.read(lambda view: list_intents(view, principal, ask.query, PATH))


async def _estimate(see: Reads, principal: Principal, ask: Ask[Create, NoQuery]) -> Estimated:
    body = ask.body
    chain = chain_of(see.chains, body.chain_id)
    account: Account | None = None
    if body.account or body.player or principal.kind is PrincipalKind.SESSION:
        whose = Whose(chain, body.account, body.player, body.external_owner_address)
        account = await see.store.read(lambda view: account_of(view, principal, whose))
    calls = await _calls(see, principal, chain, body)
    account_id = account.id if account else None
    try:
        cost = await estimate(see, principal, calls=calls, account_id=account_id, chain=chain)
    except Malformed as error:
        raise _of_interactions(error) from None
    price = str(cost.fees.max_fee_wei)
    return Estimated(
        estimatedTXGas=str(cost.gas), estimatedTXGasFee=str(cost.fee_wei), gasPrice=price
    )


_reads = partial(Read, method="GET", who=SECRET_OR_SESSION, scope=Scope.READ, query=Intents)
ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path=PATH,
        who=SECRET_OR_SESSION,
        scope=Scope.WALLETS_WRITE,
        summary="Have calls signed; the owner or a session key signs what nextAction says",
        body=Create,
        answer=IntentJson,
        handle=_create,
    ),
    Read(
        method="POST",
        path=f"{PATH}/estimate_gas_cost",
        who=SECRET_OR_SESSION,
        scope=Scope.READ,
        summary="Say what calls would cost now",
        body=Create,
        answer=Estimated,
        handle=_estimate,
    ),
    Write(
        method="POST",
        path=f"{PATH}/{{intent}}/signature",
        who=EVERY_KEY,
        carried_by=PUBLISHABLE,
        scope=Scope.WALLETS_WRITE,
        summary="Bring the signature of the owner or of a session key",
        body=Signature,
        answer=IntentJson,
        handle=_sign,
    ),
    _reads(path=PATH, summary="List transaction intents", answer=Part[IntentJson], handle=_list),
    _reads(
        path=f"{PATH}/{{intent}}",
        summary="Show a transaction intent",
        answer=IntentJson,
        handle=_get,
    ),
)
