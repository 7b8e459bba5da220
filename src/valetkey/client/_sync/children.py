# Written by tools/unasync.py from ../_async/children.py: change that one.
"""Sessions opened under others, and what they are once they are open."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from valetkey.client.asks import write
from valetkey.client.errors import RefusedToSign
from valetkey.client.keys import SessionKey
from valetkey.client.opening import whole
from valetkey.wire import child_session as wire_child
from valetkey.wire import session as wire
from valetkey.wire.credential import write_public_key
from valetkey.wire.permission import read_permission, write_permission

if TYPE_CHECKING:
    from typing import Unpack

    from valetkey.client._sync.line import Line
    from valetkey.client.keys import HolderKey
    from valetkey.client.opening import ChildOptions
    from valetkey.client.permission import Draft
    from valetkey.core.permission.model import Permission


@dataclass(frozen=True, slots=True)
class OpenedChild:
    """A session under another, what holds it, and what it may do."""

    session_id: str
    key: HolderKey
    permission: Permission


@dataclass(frozen=True, slots=True)
class Children:
    """
    What is under one session.

    Args:
        path: Where they are opened, by whoever *line* proves.
        code: Of a hand-off, where that lets them be opened.
    """

    line: Line
    path: str
    code: str = field(default="", repr=False)

    def open(
        self,
        permission: Draft | Permission,
        *,
        chain: str,
        key: HolderKey | None,
        **options: Unpack[ChildOptions],
    ) -> OpenedChild:
        """
        Return a new session that writes.

        Raises:
            RefusedToSign: The server opened another one than was asked for.
        """
        asked = whole(permission, chain=chain, now=int(time.time()))
        held: HolderKey = SessionKey.generate() if key is None else key
        body = self._asked(
            proof="stamp",
            access="write",
            key=write_public_key(held.public_key),
            permission=write_permission(asked),
            **options,
        )
        session = (self.line.send(write(wire.OpenedSession, self.path, body))).session
        told = session.permission
        got = None if told is None else read_permission(told)
        if got is None or replace(got, relayer=asked.relayer) != asked:
            raise RefusedToSign("permission", expected=asked, got=got)
        return OpenedChild(session.id, held, got)

    def open_reader(
        self, *, expires_in: int | None, **options: Unpack[ChildOptions]
    ) -> wire.OpenedSession:
        """Return a new session that reads; its ``token`` is shown this once."""
        body = self._asked(proof="bearer", access="read", ttl_s=expires_in, **options)
        return self.line.send(write(wire.OpenedSession, self.path, body))

    def _asked(self, **fields: Any) -> wire_child.OpenChild:  # noqa: ANN401 - those of the body
        if self.code:
            return wire_child.Redeem(code=self.code, **fields)
        return wire_child.OpenChild(**fields)
