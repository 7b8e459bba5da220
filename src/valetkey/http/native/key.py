"""Keys of holders: changed by whoever has the old and the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.principal import PrincipalKind
from valetkey.core.rotation import NewKey
from valetkey.core.scope import Scope, SessionScope
from valetkey.core.wallet import Curve
from valetkey.flows import reads
from valetkey.flows.rotate_key import rotate_credential_key, rotate_session_key
from valetkey.http.native.session import write_shown
from valetkey.http.routes import SECRET, SESSION, Ask, NoQuery, Route, Write
from valetkey.wire import credential as wire
from valetkey.wire import session as wire_session
from valetkey.wire.base import read_bytes

if TYPE_CHECKING:
    from valetkey.http.admitted import Admitted

_SIGNATURE_BYTES: Final = 64


async def _session(admitted: Admitted, ask: Ask[wire.RotateKey, NoQuery]) -> wire_session.Session:
    rotated = await rotate_session_key(
        admitted.world, admitted.principal, admitted.request, _read(ask.body)
    )
    return write_shown(await reads.shown(admitted.reads, rotated), admitted.reads.names)


async def _credential(admitted: Admitted, ask: Ask[wire.RotateKey, NoQuery]) -> wire.Credential:
    new = _read(ask.body)
    if new.key.curve is not Curve.P256:
        detail = f"key.curve: expected p256 for a credential, got {new.key.curve}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    rotated = await rotate_credential_key(
        admitted.world, admitted.principal, admitted.request, new, credential_id=ask.id
    )
    return wire.write_credential(rotated)


def _read(body: wire.RotateKey) -> NewKey:
    bad = Code.MALFORMED_SIGNATURE
    signature = read_bytes(body.signature, "signature", count=_SIGNATURE_BYTES, code=bad)
    return NewKey(wire.read_public_key(body.key, "key"), signature)


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/v1/session/key",
        who=SESSION,
        session_scope=SessionScope.KEY,
        carried_by=frozenset({PrincipalKind.SESSION}),
        summary="Hold the session that asks by a new key from now on",
        body=wire.RotateKey,
        answer=wire_session.Session,
        handle=_session,
    ),
    Write(
        method="POST",
        path="/v1/credentials/{credential_id}/key",
        who=SECRET,
        scope=Scope.SELF,
        summary="Prove the credential that asks by a new key from now on",
        body=wire.RotateKey,
        answer=wire.Credential,
        handle=_credential,
    ),
)
