"""How much gas a call needs, and how much it needs at least."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from eth.abc import ComputationAPI

    from valetkey.devchain.pyevm.ledger import Question

_BASE = 21_000
_FLOOR_PER_TOKEN = 10  # EIP-7623
_TOKENS_PER_BYTE = 4
_SLACK = 200  # the search ends within a two-hundredth


def floor(data: bytes) -> int:
    """
    Return the gas that a transaction with *data* pays whatever it does.

    Spec:
        EIP-7623.
    """
    zeros = data.count(0)
    tokens = zeros + _TOKENS_PER_BYTE * (len(data) - zeros)
    return _BASE + _FLOOR_PER_TOKEN * tokens


def needed(
    question: Question, attempt: Callable[[Question], ComputationAPI]
) -> ComputationAPI | int:
    """
    Return the gas limit that lets *question* succeed, or the failed attempt if none does.

    A call inside a call gets at most 63/64 of what is left (EIP-150), so the limit can be more
    than what is used, and has to be looked for.
    """
    whole = attempt(question)
    if whole.is_error:
        return whole
    used = max(question.gas_limit - whole.get_gas_remaining(), floor(question.data))
    if _is_enough(question, used, attempt):
        return used
    below, above = used, question.gas_limit
    guess = min(used * 65 // 64 + 2_300, above)
    while above - below > used // _SLACK:
        if _is_enough(question, guess, attempt):
            above = guess
        else:
            below = guess
        guess = (below + above) // 2
    return above


def _is_enough(
    question: Question, gas_limit: int, attempt: Callable[[Question], ComputationAPI]
) -> bool:
    return not attempt(replace(question, gas_limit=gas_limit)).is_error
