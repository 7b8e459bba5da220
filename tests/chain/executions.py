"""What the tests of a session's executions share."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from tests.chain.world import RECIPIENT, TRANSFER, words
from valetkey.devchain import CHAIN_ID
from valetkey.spec import erc7821
from valetkey.spec import permission_bytes as pb
from valetkey.spec.eip712 import digest
from valetkey.spec.erc7821 import Call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chain.session import Session

_keys = count(1)


def fresh_nonce() -> int:
    """Return the first nonce under a key that no test has used yet."""
    return next(_keys) << 64


def paid(session: Session, amount: int = 1, to: bytes = RECIPIENT) -> Call:
    """Return a transfer of the token in full."""
    return Call(session.world.token, 0, TRANSFER + words(to, amount))


def signed(
    session: Session,
    calls: Sequence[Call],
    *,
    nonce: int,
    deadline: int,
    personal: bool = False,
    account: bytes | None = None,
    chain_id: int = CHAIN_ID,
) -> bytes:
    """Return the session key's signature over *calls*."""
    typed = erc7821.execute_typed_data(
        calls,
        nonce=nonce,
        deadline=deadline,
        chain_id=chain_id,
        account=account or session.account,
    )
    return session.signature(digest(typed), personal=personal)


def op_data(session: Session, calls: Sequence[Call], **fields: Any) -> bytes:  # noqa: ANN401
    """
    Return what travels beside *calls* of *session*.

    *fields* are those of `session_op_data`, and ``first``, ``personal``.
    """
    nonce = fields.pop("nonce", None)
    nonce = fresh_nonce() if nonce is None else nonce
    deadline = fields.pop("deadline", session.world.now() + 1_000)
    first, personal = fields.pop("first", False), fields.pop("personal", False)
    signature = fields.pop("signature", None) or signed(
        session, calls, nonce=nonce, deadline=deadline, personal=personal
    )
    defaults: dict[str, Any] = {
        "grant": session.packed,
        "run_nonce": session.state.nonce_base,
        "run_deadline": session.world.now() + 1_000,
        "rules": [0] * len(calls),
        "owner_signature": session.owner_signature() if first else None,
    }
    return erc7821.session_op_data(nonce, deadline, signature, **(defaults | fields))


def execution(session: Session, *calls: Call, **fields: Any) -> bytes:  # noqa: ANN401
    """Return the calldata that makes *calls* for the session; *fields* are those of `op_data`."""
    return erc7821.execute_calldata(calls, op_data=op_data(session, calls, **fields))


def same_run(session: Session, *calls: pb.RunCall, **fields: Any) -> bytes:  # noqa: ANN401
    """Return a run of the same calls, signed as runs are; *fields* are those of `Session.run`."""
    return session.run(*calls, **{"nonce": session.state.nonce_base} | fields)
