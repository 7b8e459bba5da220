"""Bodies that carry a secret are shown without it: what is printed ends in logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from msgspec import Struct


def quiet(*hidden: str) -> Callable[[Struct], str]:
    """Return a ``__repr__`` that says of the fields *hidden* only that they are there."""

    def shown(body: Struct) -> str:
        parts = [f"{name}={_said(body, name, hidden)}" for name in body.__struct_fields__]
        return f"{type(body).__name__}({', '.join(parts)})"

    return shown


def _said(body: Struct, name: str, hidden: tuple[str, ...]) -> str:
    value = getattr(body, name)
    return "<hidden>" if name in hidden and value is not None else repr(value)
