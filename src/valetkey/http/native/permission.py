"""What permissions mean: read off, compared, tried on runs, proposed; nothing is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.http.calculus.answers import QUESTIONS
from valetkey.http.routes import EVERYBODY, Ask, NoQuery, Read, Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from msgspec import Raw, Struct

    from valetkey.core.principal import Principal
    from valetkey.http.sight import Reads

    Handle = Callable[[Reads, Principal, Ask[Struct, NoQuery]], Awaitable[Raw]]

_SUMMARIES: Final = {
    "explain": "Say in words what a permission allows, and whether the chain can enforce it",
    "lint": "Say what is unwise in a permission, each with its fix",
    "worst-case": "Say the most that can be lost under a permission, asset by asset",
    "subset": "Say whether all that one permission allows is allowed by another; if not, prove it",
    "diff": "Say what changes from one permission to another, and whether it allows more",
    "backtest": "Say what a permission would have refused of recorded runs",
    "propose": "Write the smallest permission that allows recorded runs",
}


def _asking(name: str) -> Handle:
    async def handle(see: Reads, principal: Principal, ask: Ask[Struct, NoQuery]) -> Raw:
        del principal
        return await see.calculator.ask(name, ask.body, caller=ask.peer)

    return handle


ROUTES: Final[tuple[Route, ...]] = tuple(
    Read(
        method="POST",
        path=f"/v1/permissions/{name}",
        who=EVERYBODY,
        summary=_SUMMARIES[name],
        body=question.body,
        answer=question.answer,
        handle=_asking(name),
    )
    for name, question in QUESTIONS.items()
)
