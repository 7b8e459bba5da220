# Written by tools/unasync.py from ../_async/opened.py: change that one.
"""A session, held by whoever also opened it: it can be frozen and revoked from here, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.client._sync.meter import watch
from valetkey.client._sync.session import HeldSession
from valetkey.client._sync.stops import Stops
from valetkey.client.asks import path_of, read, write
from valetkey.client.consent import Consent, verify_consent
from valetkey.client.kill_note import KillNote, make_note, verify_note
from valetkey.core.errors import Code, Conflict
from valetkey.wire import session as wire
from valetkey.wire import stop as wire_stop
from valetkey.wire.base import hexed
from valetkey.wire.register import Register, Registered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.client._sync.line import Line
    from valetkey.client.consent import Verified
    from valetkey.client.keys import HolderKey
    from valetkey.client.owner import Owner
    from valetkey.wire.calculus import Finding


class Session(HeldSession):
    """
    A session that was opened here.

    Args:
        operator: Speaks with the API key that opened it.
        owner: Signs freezes for the chain, if it is at hand.
        findings: What the linter said when it was opened, errors first (docs/reference/lint.md).
        consent_url: Where the owner of a pending session reads and signs it with a wallet in a
            browser: a secret between you and them. None if nobody has to.
    """

    def __init__(
        self,
        session_id: str,
        *,
        holder: Line,
        key: HolderKey,
        verified: Verified,
        operator: Line,
        owner: Owner | None,
        findings: Sequence[Finding],
        consent_url: str | None,
    ) -> None:
        super().__init__(session_id, holder=holder, key=key, verified=verified)
        self.findings = findings
        self.consent_url = consent_url
        self._operator = operator
        self._owner = owner
        self._kill_note: KillNote | None = None

    @property
    def kill_note(self) -> KillNote:
        """
        What ends the session on chain with the server dead.

        >>> session.kill_note.save("session.kill.json")

        Raises:
            Conflict: The owner has not signed yet.
        """
        if self._kill_note is None:
            detail = "expected a session whose owner has signed, got one that waits for it"
            raise Conflict(Code.SESSION_PENDING, detail)
        return self._kill_note

    def consent(self) -> Consent:
        """
        Return what the owner is to sign, compared with what was asked for.

        >>> consent = session.consent()
        >>> to_json(consent.grant), to_json(consent.kill_note)  # for a wallet elsewhere

        Raises:
            RefusedToSign: The server wants something else signed.
        """
        path = path_of("/v1/sessions/{key}/consent", key=self.id)
        told = self._operator.send(read(wire.Consent, path))
        both = {"grant": told.grant, "kill_note": told.kill_note}
        return verify_consent(both, self._verified.terms)

    def grant(self, owner: Owner) -> wire.Session:
        """
        Return the session, open: *owner* signs the grant and the kill note.

        Raises:
            RefusedToSign: The server wants something else signed.
        """
        consent = self.consent()
        signature, kill_note = owner.sign_consent(consent)
        return self.grant_signed(signature, kill_note)

    def grant_signed(self, signature: bytes, kill_note: bytes) -> wire.Session:
        """
        Return the session, open, by signatures that were made elsewhere over `consent`.

        One that was revoked in the meantime stays so: the server sends the kill note to the chain.

        Args:
            signature, kill_note: 65 bytes each, by the account's owner.
        """
        path = path_of("/v1/sessions/{key}/grant", key=self.id)
        body = wire.AcceptGrant(owner_signature=hexed(signature), kill_note=hexed(kill_note))
        session = self._operator.send(write(wire.Session, path, body))
        self._kill_note = make_note(self.id, self._verified, kill_note)
        return session

    def register(self, *, owner: Owner | None = None) -> Registered:
        """
        Put the session on its chain before its first use, and return how far that has come.

        >>> registered = session.register()

        Args:
            owner: Signs the grant and the kill note first, if that is not done; a session that
                waited for them is open when the chain has taken the grant.

        Raises:
            RefusedToSign: The server wants something else signed.
        """
        body = Register()
        note: bytes | None = None
        if owner is not None:
            signature, note = owner.sign_consent(self.consent())
            body = Register(owner_signature=hexed(signature), kill_note=hexed(note))
        path = path_of("/v1/sessions/{key}/register", key=self.id)
        done = self._operator.send(write(Registered, path, body))
        if note is not None:
            self._kill_note = make_note(self.id, self._verified, note)
        return done

    def fetch_kill_note(self) -> KillNote:
        """
        Return the kill note that the server keeps, compared with what it must be.

        Raises:
            RefusedToSign: It would not end this session.
        """
        path = path_of("/v1/sessions/{key}/kill-note", key=self.id)
        content = self._operator.send(read(wire.KillNote, path))
        self._kill_note = verify_note(content, self._verified)
        return self._kill_note

    def show(self) -> wire.Session:
        """Return the session as it is now: state, use, what is left."""
        path = path_of("/v1/sessions/{key}", key=self.id)
        return self._operator.send(read(wire.Session, path))

    def watch(self) -> Iterator[wire.Session]:
        """Yield the session now, and again as soon as something about it changes, to its end."""
        for now in watch(self._operator, self.show()):
            yield now

    def freeze(self) -> wire_stop.Stopped:
        """
        Return the session, frozen: refused from this answer on, and on chain where the owner signs.

        The owner is the one that it was opened with, or the server if it holds the owner's key.
        With neither, a session that binds no relayer can still reach the chain past the server:
        revoke it, or freeze it with the owner (`Sessions.freeze`).
        """
        return self._stops().freeze(self.id, owner=self._owner)

    def unfreeze(self) -> wire_stop.Stopped:
        """Return the session, in use again."""
        return self._stops().unfreeze(self.id, owner=self._owner)

    def revoke(self) -> wire_stop.Stopped:
        """Return the session, ended: refused from now on, and on chain by its kill note."""
        return self._stops().revoke(self.id)

    def _stops(self) -> Stops:
        return Stops(self._operator, verified=self._verified)
