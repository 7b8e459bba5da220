"""What a decoder says of a body or a query, with the place that it means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import msgspec

_PLACE: Final = re.compile(r" - at `\$\.?([^`]*)`$")


def placed(error: msgspec.ValidationError) -> tuple[str, str]:
    """Return the place that the decoder names, empty if it names none, and what it says of it."""
    text = str(error)
    found = _PLACE.search(text)
    return (found[1], text[: found.start()]) if found else ("", text)


def say_place(error: msgspec.ValidationError, whole: str) -> str:
    """Return what the decoder says, with the place in front, or *whole* where it names none."""
    place, said = placed(error)
    return f"{place or whole}: {said}"
