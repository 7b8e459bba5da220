"""Which pages may have a publishable key of a vendor's surface in a frame of ours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.origins import Origins
from valetkey.core.scope import Scope
from valetkey.core.surface import Surface
from valetkey.flows.gate import expect_reach, expect_scope, present
from valetkey.flows.record import admit, begin, write_down

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx

MAX_ORIGINS: Final = 64


async def set_origins(
    world: World,
    principal: Principal,
    request: Request,
    *,
    credential_id: str,
    origins: Sequence[str],
) -> Credential:
    """
    Return a publishable key, which pages of *origins* may have in a frame, and no others.

    Raises:
        Malformed: One is no origin, or there are too many.
        Conflict: The credential is not publishable, revoked, or of a surface without frames.
    """
    expect_scope(principal, Scope.CREDENTIALS_WRITE)
    if len(origins) > MAX_ORIGINS:
        detail = f"origins: expected at most {MAX_ORIGINS}, got {len(origins)}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    wanted = tuple(sorted(set(Origins(origins, Code.MALFORMED_BODY).texts)))

    def body(tx: Tx) -> Credential:
        credential = present(tx.get(Credential, credential_id), "credential")
        owner = credential.organization_id
        expect_reach(tx, principal, owner, "credential", widens=True)
        _expect_framed(credential)
        if admit(world, tx, principal, request) is not None:
            return credential
        changed = replace(credential, origins=wanted)
        tx.put(changed)
        activity = begin(
            world,
            principal,
            request,
            "credential:set_origins",
            organization_id=owner,
            subject_id=credential_id,
        )
        write_down(world, tx, activity, "credential:origins_set", origins=" ".join(wanted))
        return changed

    return await world.store.write(body)


def _expect_framed(credential: Credential) -> None:
    kind, surface = credential.kind, credential.surface
    is_framed = kind is CredentialKind.PUBLISHABLE and surface is Surface.OPENFORT
    if not is_framed or credential.revoked_at is not None:
        detail = "expected a publishable key of surface openfort that works, got another"
        raise Conflict(Code.CONFLICT, detail)
