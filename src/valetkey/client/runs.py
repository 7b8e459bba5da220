"""The digest of a run, computed anew from the calls that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.client.errors import (
    ChainRejected,
    RefusedToSign,
    known_code,
)
from valetkey.core.activity import SETTLED, ActivityState
from valetkey.core.errors import Code
from valetkey.core.permission.compile import compile_run
from valetkey.core.permission.cover import rule_for
from valetkey.core.permission.verdict import Deny
from valetkey.spec import permission_bytes as packed
from valetkey.wire.base import hexed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.client.consent import Verified
    from valetkey.core.permission.model import Call
    from valetkey.wire.activity import Activity, SignNext

MAX_DEADLINE_S: Final = 900
_SETTLED: Final = frozenset(state.value for state in SETTLED)


def run_digest(verified: Verified, calls: Sequence[Call], asked: SignNext, *, now: int) -> bytes:
    """
    Return the 32 bytes to sign, if they are a run of exactly *calls* under *verified*.

    1. grant, account and chain are the session's own; 2. the packed calls are the ones asked for,
    under the rules that they need; 3. the deadline is soon: a run that fails now cannot be kept to
    be made much later; 4. the digest, computed here, is the one that came. The nonce is the
    server's to choose: whichever it is, the calls are made once at most.

    Args:
        asked: What the server wants to have signed.
        now: Unix seconds.

    Raises:
        RefusedToSign: It is something else; the error names the first place.
    """
    terms = verified.terms
    _expect("chain_id", terms.chain_id, asked.chain_id)  # 1
    _expect("account", hexed(terms.account), asked.account)
    _expect("grant_id", hexed(verified.grant_id), asked.grant_id)
    run = _pack(verified, calls)  # 2
    _expect("grant", hexed(run.grant), asked.grant)
    _expect("packed_calls", hexed(run.calls), asked.packed_calls)
    latest = min(now + MAX_DEADLINE_S, terms.permission.expires_at)  # 3
    if not now < asked.deadline <= latest:
        expected = f"a deadline behind {now}, at most {latest}"
        raise RefusedToSign("deadline", expected=expected, got=asked.deadline)
    try:
        own = packed.run_digest(
            run.grant_hash,
            run.calls,
            nonce=asked.nonce,
            deadline=asked.deadline,
            chain_id=terms.chain_id,
            account=terms.account,
        )
    except ValueError as error:
        raise RefusedToSign("nonce", expected="0 to 2^32 - 1", got=error) from None
    _expect("digest", hexed(own), asked.digest)  # 4
    return own


def _expect(what: str, expected: object, got: object) -> None:
    if expected != got:
        raise RefusedToSign(what, expected=expected, got=got)


def _pack(verified: Verified, calls: Sequence[Call]) -> packed.PackedRun:
    terms = verified.terms
    rules: list[int] = []
    for index, call in enumerate(calls):
        rule = rule_for(call, terms.permission, account=terms.account)
        if isinstance(rule, Deny):
            expected = f"a refusal ({rule.detail})"
            raise RefusedToSign(f"calls[{index}]", expected=expected, got="a run to sign")
        rules.append(rule)
    try:
        return compile_run(terms.permission, verified.packed, calls, rules)
    except packed.GrantFormatError as error:
        raise RefusedToSign("calls", expected="a refusal", got=f"a run to sign ({error})") from None


def is_settled(activity: Activity) -> bool:
    """Say whether nothing can change about *activity* any more."""
    return activity.state in _SETTLED


def succeeded(activity: Activity) -> Activity:
    """
    Return *activity*, unless it ended otherwise than it should.

    Raises:
        ChainRejected: It failed, or its time passed; ``facts`` has ``activity_id``, ``tx_hash``.
    """
    if not is_settled(activity) or activity.state == ActivityState.DONE:
        return activity
    outcome = activity.outcome
    facts: dict[str, object] = {"activity_id": activity.id, "tx_hash": activity.tx_hash}
    if outcome is None:
        raise ChainRejected(Code.CHAIN_REJECTED, f"it ended as {activity.state}", **facts)
    code, unknown = known_code(outcome.code or Code.CHAIN_REJECTED.value)
    raise ChainRejected(code, outcome.detail, **facts, **unknown)
