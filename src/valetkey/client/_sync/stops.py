# Written by tools/unasync.py from ../_async/stops.py: change that one.
"""Freeze, unfreeze and revoke: refused by the server first, then on the chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.client.asks import path_of, read, write
from valetkey.client.consent import expect_same, read_typed
from valetkey.client.opening import verified_of_owner
from valetkey.wire import session as wire
from valetkey.wire import stop as wire_stop
from valetkey.wire.base import Nothing, hexed
from valetkey.wire.wallet import Account

if TYPE_CHECKING:
    from valetkey.client._sync.line import Line
    from valetkey.client.consent import Verified
    from valetkey.client.owner import Owner


@dataclass(frozen=True, slots=True)
class Stops:
    """
    How sessions are stopped with an API key.

    Args:
        verified: The grant that is to be stopped, if it is known here already.
    """

    line: Line
    verified: Verified | None = None

    def freeze(self, session_id: str, *, owner: Owner | None) -> wire_stop.Stopped:
        """Freeze at once, then have *owner* sign for the chain."""
        path = path_of("/v1/sessions/{key}/freeze", key=session_id)
        stopped = self.line.send(write(wire_stop.Stopped, path, wire_stop.Switch()))
        if owner is None:
            return stopped
        signature = self._sign(session_id, owner, freeze=True)
        body = wire_stop.Switch(owner_signature=hexed(signature))
        return self.line.send(write(wire_stop.Stopped, path, body))

    def unfreeze(self, session_id: str, *, owner: Owner | None) -> wire_stop.Stopped:
        """Take back into use, with the signature of *owner* for the chain."""
        path = path_of("/v1/sessions/{key}/unfreeze", key=session_id)
        body = wire_stop.Switch()
        if owner is not None:
            signature = self._sign(session_id, owner, freeze=False)
            body = wire_stop.Switch(owner_signature=hexed(signature))
        return self.line.send(write(wire_stop.Stopped, path, body))

    def _sign(self, session_id: str, owner: Owner, *, freeze: bool) -> bytes:
        verified = self.verified
        if verified is None:
            path = path_of("/v1/sessions/{key}", key=session_id)
            session = self.line.send(read(wire.Session, path))
            path = path_of("/v1/accounts/{key}", key=session.account_id or "")
            account = self.line.send(read(Account, path))
            verified = verified_of_owner(session, account, owner.address)
        path = path_of("/v1/sessions/{key}/freeze-note", key=session_id)
        note = self.line.send(
            read(wire_stop.FreezeNote, path, freeze="true" if freeze else "false")
        )
        own = verified.switch(note.sequence, freeze=freeze)
        expect_same("note", own, read_typed("note", note.typed_data))
        return owner.sign(own)

    def revoke(self, session_id: str) -> wire_stop.Stopped:
        """End at once, and on chain by the kill note."""
        path = path_of("/v1/sessions/{key}/revoke", key=session_id)
        return self.line.send(write(wire_stop.Stopped, path, Nothing()))
