"""Whether a session is stopped: not believed, but tried on each plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.chain import Fees, GrantStage, Transaction
from valetkey.core.child_session import refusal_in_line
from valetkey.core.errors import ChainRejected, Code, Malformed, Unavailable
from valetkey.core.plan import plan_run, run_intent
from valetkey.core.session import Session
from valetkey.core.wallet import Account
from valetkey.flows.gate import present
from valetkey.flows.line import line_of
from valetkey.flows.standing import grant_state_of, runs_our_code

if TYPE_CHECKING:
    from valetkey.core.child_session import Line
    from valetkey.core.grant import Grant
    from valetkey.core.permission.model import Permission
    from valetkey.flows.sight import Sight
    from valetkey.ports import Chain, View

PROBE_S: Final = 60
_NOBODYS: Final = bytes(64) + b"\x1b"  # the contract looks at the state before the signature
_STOPPED: Final = {
    Code.SESSION_REVOKED: "revoked",
    Code.SESSION_FROZEN: "frozen",
    Code.SESSION_EXPIRED: "expired",
}
_NEVER: Final = "it was never opened there, and has no owner's signature"
_STAGES: Final = {
    GrantStage.REVOKED: Code.SESSION_REVOKED,
    GrantStage.FROZEN: Code.SESSION_FROZEN,
}


_Said = tuple[bool | None, Code | None, str]


@dataclass(frozen=True, slots=True)
class Tried:
    """
    What a plane says to a run of the session now.

    Args:
        plane: ``server`` or ``chain``.
        refused: None if it could not be found out.
        code: Why it is refused, or why it could not be found out.
    """

    plane: str
    refused: bool | None
    code: Code | None
    detail: str
    at_ms: int


async def tried(world: Sight, *, session_id: str) -> tuple[Tried, ...]:
    """
    Try *session_id* on each plane where it could be used. Changes nothing.

    1. The server is asked what it asks itself before each run. 2. The account's contract is asked
    for the next block whether it takes a run without calls, as the only sender that it might take
    one from: the session key itself, or the relayer that is bound; of a P-256 key, which has no
    address, anybody. It looks whether the grant is stopped before it looks at any signature, so
    only a stop makes it say that it is. 3. Of a session that has not begun, its storage is read
    instead.
    """

    def facts(view: View) -> tuple[Line, Account | None]:
        session = present(view.get(Session, session_id), "session")
        account = view.get(Account, session.account_id) if session.account_id else None
        return line_of(view, session), account

    line, account = await world.store.read(facts)
    session = line[0][0]
    denied = refusal_in_line(line, now=world.clock.now())
    code, detail = (denied.code, denied.detail) if denied else (None, "it may be used")
    here = Tried("server", denied is not None, code, detail, world.clock.now_ms())  # 1
    if session.grant is None or session.permission is None or account is None:
        return (here,)
    return here, await _on_chain(world, account, session.grant, session.permission)


async def _on_chain(world: Sight, account: Account, grant: Grant, permission: Permission) -> Tried:
    said: _Said
    try:
        chain = world.chain(account.chain)
        if not await runs_our_code(chain, account):
            said = None, Code.NOT_DELEGATED, "the account does not run our code"
        elif account.clone is not None and not await chain.has_code(account.address):
            said = _of_nothing(grant)
        else:
            now = world.clock.now()
            sender = permission.relayer or grant.key_address or world.relayer_address
            said = await _ask(chain, account, grant, permission, sender=sender, now=now)
    except (ChainRejected, Unavailable, Malformed) as error:
        said = None, error.code, error.detail
    return Tried("chain", *said, world.clock.now_ms())


def _of_nothing(grant: Grant) -> _Said:
    """Say what an account that is not there yet would make of a run: its state is all zeros."""
    if grant.owner_signature is None:
        return True, Code.NOT_GRANTED, _NEVER
    return False, None, "not stopped: the account is not made yet, and its first act would open it"


async def _ask(
    chain: Chain,
    account: Account,
    grant: Grant,
    permission: Permission,
    *,
    sender: bytes,
    now: int,
) -> _Said:
    state = await grant_state_of(chain, account, grant)
    until, nonce = now + PROBE_S, state.nonce_base
    plan = plan_run(grant, account, permission, (), rules=(), nonce=nonce, deadline=until)
    is_signed = grant.owner_signature is not None
    intent = run_intent(grant, account, plan, _NOBODYS, first_use=is_signed)
    probe = Transaction(
        sender=sender,
        nonce=0,
        to=intent.to,
        value_wei=0,
        data=intent.data,
        gas_limit=0,
        fees=Fees(0, 0),
    )
    try:
        await chain.simulate(probe)  # 2
    except ChainRejected as rejected:
        if rejected.code in {Code.CHAIN_REJECTED, Code.WRONG_CHAIN}:
            raise
        if rejected.code in _STOPPED:
            words = f"a run is refused in the next block: {_STOPPED[rejected.code]}"
            return True, rejected.code, words
        if rejected.code is Code.SESSION_NOT_STARTED:  # 3
            stopped = _STAGES.get(state.stage)
            return stopped is not None, stopped, f"its storage says {state.stage}"
        if rejected.code is Code.NOT_GRANTED:
            return True, rejected.code, _NEVER
        return False, rejected.code, f"not stopped: a run without a signature is {rejected.code}"
    return False, None, "not stopped: a run is taken in the next block"
