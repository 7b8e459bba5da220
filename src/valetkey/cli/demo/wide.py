"""A rule for anything on a contract: what the linter says of it, and what it does not cover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.cli.demo.cast import LONG_S, UNIT
from valetkey.cli.demo.planes import payment, refuse_on_both
from valetkey.cli.demo.score import attempt
from valetkey.cli.local import TOKEN_NAME
from valetkey.client import Call, permission
from valetkey.core.errors import Code
from valetkey.core.permission.effects import selector_of
from valetkey.spec.permission_bytes import RunCall

if TYPE_CHECKING:
    from valetkey.cli.demo.cast import Cast

_HARMLESS: Final = "totalSupply()"


async def widen(cast: Cast) -> None:
    """Lint a wide rule, use it, and find that it moves no value on either plane."""
    rule = permission.any_function(cast.token)
    draft = permission.build([], to=permission.ANYTHING, expires_in=LONG_S).and_wide(rule)
    linted = await cast.vk.permissions.lint(draft)
    found = [one for one in linted.findings if one.place.startswith("wide_rules")]
    cast.score.check("the linter on a wide rule", is_right=bool(found), got=linted.findings)
    cast.terminal.say(f"   a rule for anything on {TOKEN_NAME}; the linter:")
    for one in found:
        cast.terminal.say(f"   {one.severity} {one.rule}: {one.detail}")
    held = await cast.open(draft, label="wide")
    called = await attempt(held.session.run([Call(cast.token, 0, selector_of(_HARMLESS))]))
    cast.score.note(f"{_HARMLESS} under a wide rule", "server", None, called)
    call, _ = payment(cast, cast.friends[0], UNIT)
    await refuse_on_both(
        cast,
        held,
        "a transfer under it",
        call,
        RunCall(0, call.data),
        codes=(Code.SELECTOR_REFUSED, Code.SELECTOR_REFUSED),
    )
