"""How many cases a property is tried with."""

import os
from typing import Final

from hypothesis import settings

LONGER: Final = int(os.environ.get("VALETKEY_FUZZ", "1"))
"""`make fuzz` tries so many times as many (``TIMES=``)."""


def searched(examples: int) -> settings:
    """Return settings for a property that `make test` tries with so many *examples*."""
    return settings(max_examples=examples * LONGER)
