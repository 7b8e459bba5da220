"""How many cases a property of the core is tried with."""

import os
from typing import Final

from hypothesis import settings

LONGER: Final = 100 if "VALETKEY_FUZZ" in os.environ else 1
"""`make fuzz` tries so many times as many."""


def searched(examples: int) -> settings:
    """Return settings for a property that `make test` tries with so many *examples*."""
    return settings(max_examples=examples * LONGER)
