"""Templates, scopes and the rate in sentences: all that this server enforces alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.permission.words import HERE, compared, named, quoted, span
from valetkey.core.scope import OWN_PREFIX, SessionScope, held

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.core.permission.model import (
        MessageTemplate,
        Permission,
        Rate,
        TypedDataTemplate,
    )
    from valetkey.core.permission.words import Names


def explain_signing(permission: Permission, *, names: Names) -> Iterator[str]:
    """Give one sentence for each template of *permission*, and one for its scopes."""
    for message in permission.messages:
        yield f"It may sign as the account the text {_text(message)} {HERE}."
    for typed in permission.typed_data:
        yield f"It may sign as the account {_typed_data(typed, names)} {HERE}."
    others = [name for name in permission.scopes if not name.startswith(OWN_PREFIX)]
    if others:
        yield f"Outside the chain it has the scopes {', '.join(others)} {HERE}."
    own = [scope for scope in SessionScope if scope in permission.scopes]
    if own:
        said = "; ".join(f"{one.said} ({one})" for one in SessionScope if one in held(own))
        yield f"Of this server it may only {said} {HERE}."


def explain_rate(rate: Rate) -> str:
    """Return the sentence about *rate*."""
    calls = f"{rate.calls} call{'' if rate.calls == 1 else 's'}"
    return f"At most {calls} in each {span(rate.window_s)} counted from the start {HERE}."


def _text(message: MessageTemplate) -> str:
    if not any(message.text) and len(message.text) > 1:
        return "ANYTHING that stands on one line"
    pieces = [quoted(piece) if piece else "" for piece in message.text]
    joined = " + anything on one line + ".join(pieces).removeprefix(" + ").removesuffix(" + ")
    return joined or quoted("")


def _typed_data(typed: TypedDataTemplate, names: Names) -> str:
    name = "no name" if typed.name is None else f"the name {quoted(typed.name)}"
    version = "no version" if typed.version is None else f"version {quoted(typed.version)}"
    fields = "".join(
        f"; {'.'.join(constraint.field)} {compared(constraint.operator, constraint.values)}"
        for constraint in typed.where
    )
    return (
        f"typed data for {named(typed.verifying_contract, names)}, under {name} and {version}:"
        f" {typed.type}{fields or ', with ANY values'}"
    )
