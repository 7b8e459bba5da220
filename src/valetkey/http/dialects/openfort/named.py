"""Things that are answered by their ids."""

from __future__ import annotations

from msgspec import Struct


class Named(Struct, frozen=True):
    """Something by its id alone."""

    id: str


class Deleted(Struct, frozen=True, kw_only=True):
    """What is gone."""

    id: str
    object: str
    deleted: bool = True
