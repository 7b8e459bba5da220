"""What an organization notes of a user, for itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed
from valetkey.spec.jcs import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_NAME_CHARS: Final = 256
MAX_DESCRIPTION_CHARS: Final = 1024
MAX_PAIRS: Final = 50
MAX_KEY_CHARS: Final = 64
MAX_VALUE_CHARS: Final = 500
_MAX_INTEGER: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Noted:
    """One value in JSON, by its name."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Profile:
    """
    What is noted of one user. ``id`` is the user's; one without notes has none.

    Args:
        metadata: In the order of the names.
        deleted_at: When the organization deleted it: from then on nothing is noted of the user, who
            is shown no more. None before.
    """

    id: str
    organization_id: str
    name: str
    description: str = ""
    metadata: tuple[Noted, ...] = ()
    deleted_at: int | None = None

    @property
    def deleted(self) -> int:
        """1 once it was deleted, else 0 (an indexed column)."""
        return int(self.deleted_at is not None)


def merged(before: tuple[Noted, ...], changed: Mapping[str, str | float]) -> tuple[Noted, ...]:
    """
    Return *before* with what *changed* says: an empty text takes a name away, nothing takes all.

    Raises:
        Malformed: There are too many names, or one is too long or no number that JSON has.
    """
    pairs = {one.name: one.value for one in before} if changed else {}
    for name, value in changed.items():
        _check(name, value)
        pairs[name] = canonical_json(value).decode()
        if value == "":
            del pairs[name]
    if len(pairs) > MAX_PAIRS:
        detail = f"metadata: expected at most {MAX_PAIRS} names, got {len(pairs)}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    return tuple(Noted(name, pairs[name]) for name in sorted(pairs))


def _check(name: str, value: str | float) -> None:
    where = f"metadata.{name[:40]}"
    if not 1 <= len(name) <= MAX_KEY_CHARS:
        detail = f"expected a name of 1 to {MAX_KEY_CHARS} characters, got {len(name)}"
        raise Malformed(Code.MALFORMED_BODY, f"{where}: {detail}")
    if isinstance(value, str) and len(value) > MAX_VALUE_CHARS:
        detail = f"expected at most {MAX_VALUE_CHARS} characters, got {len(value)}"
        raise Malformed(Code.MALFORMED_BODY, f"{where}: {detail}")
    if not isinstance(value, str) and not -_MAX_INTEGER <= value <= _MAX_INTEGER:
        detail = f"expected a number between -{_MAX_INTEGER} and {_MAX_INTEGER}, got another"
        raise Malformed(Code.MALFORMED_BODY, f"{where}: {detail}")
