"""A finding, and what one leaves for those after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from valetkey.config import Config
    from valetkey.core.wallet import SealedKey


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that was looked at.

    Args:
        said: What was found.
        todo: What to do; empty if it is well.
    """

    name: str
    said: str
    todo: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether nothing has to be done."""
        return not self.todo


@dataclass(slots=True)
class Known:
    """
    What earlier findings found.

    Args:
        payers: Addresses that pay for gas now, by their names.
        is_whole: Whether store and vault can be used together.
    """

    folder: Path
    config: Config
    keys: dict[str, SealedKey] = field(default_factory=dict)
    payers: dict[str, bytes] = field(default_factory=dict)
    watched: int = 0
    alive: list[str] = field(default_factory=list)
    is_whole: bool = False

    @property
    def store_path(self) -> Path:
        """The file of the store."""
        return self.folder / self.config.store
