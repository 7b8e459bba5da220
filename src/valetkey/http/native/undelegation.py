"""The way out: an account whose sessions are revoked, and that runs our code no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from valetkey.core.scope import Scope
from valetkey.flows import leave_code, undelegate
from valetkey.http.routes import SECRET, Ask, Read, Route, Write
from valetkey.wire import wallet as wire
from valetkey.wire.activity import write_activity
from valetkey.wire.base import Address, hexed, read_address, read_bytes
from valetkey.wire.leftover import write_alive

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads

SIGNATURE_BYTES: Final = 65


class CodeQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The code that the account is to run instead; none when left out."""

    delegate: Address | None = None


def _code(text: str | None) -> bytes:
    return leave_code.NO_CODE if text is None else read_address(text, "delegate")


async def _undelegation(
    see: Reads, principal: Principal, ask: Ask[None, CodeQuery]
) -> wire.Undelegation:
    code = _code(ask.query.delegate)
    wanted = await leave_code.undelegation(see, principal, account_id=ask.id, delegate=code)
    return wire.Undelegation(
        chain_id=wanted.chain_id,
        delegate=hexed(wanted.delegate),
        nonce=wanted.nonce,
        digest=None if wanted.digest is None else hexed(wanted.digest),
        alive=[write_alive(one.session, one.stage) for one in wanted.alive],
    )


async def _undelegate(admitted: Admitted, ask: Ask[wire.Undelegate, NoQuery]) -> wire.Undelegated:
    text = ask.body.signature
    signature = None if text is None else read_bytes(text, "signature", count=SIGNATURE_BYTES)
    done = await undelegate.undelegate(
        admitted.world,
        admitted.principal,
        admitted.request,
        account_id=ask.id,
        delegate=_code(ask.body.delegate),
        signature=signature,
    )
    alive = [write_alive(one.session, one.stage) for one in done.alive]
    return wire.Undelegated(activity=write_activity(done.activity), alive=alive)


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="GET",
        path="/v1/accounts/{account_id}/undelegation",
        who=SECRET,
        scope=Scope.READ,
        summary="Show what the owner signs so that the account runs our code no more",
        query=CodeQuery,
        answer=wire.Undelegation,
        handle=_undelegation,
    ),
    Write(
        method="POST",
        path="/v1/accounts/{account_id}/undelegation",
        who=SECRET,
        scope=Scope.WALLETS_WRITE,
        summary="Revoke every session of the account, then take our code from it",
        body=wire.Undelegate,
        answer=wire.Undelegated,
        handle=_undelegate,
    ),
)
