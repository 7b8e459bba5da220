"""What an owner sees and signs by a link: the one thing that a link is good for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from valetkey.core.errors import Code
from valetkey.core.permission.lint import lint
from valetkey.core.plan import chain_id_of, consent
from valetkey.core.principal import PrincipalKind
from valetkey.core.scope import Scope
from valetkey.flows import consent_link, grant
from valetkey.flows.opening import findings_of
from valetkey.http.routes import SECRET, Ask, Read, Route, Write
from valetkey.wire import consent as wire
from valetkey.wire.base import hexed, read_bytes
from valetkey.wire.calculus import write_findings
from valetkey.wire.clone import write_clone
from valetkey.wire.explain import write_explained
from valetkey.wire.permission import write_permission
from valetkey.wire.session import AcceptGrant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.principal import Principal
    from valetkey.flows.consent_link import Linked
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads
    from valetkey.wire.permission import PermissionDocument

PAGE_PATH: Final = "/consent"
SIGNATURE_BYTES: Final = 65
_LINK: Final = frozenset({PrincipalKind.LINK})


def consent_url(see: Reads, token: str | None) -> str | None:
    """
    Return where an owner reads and signs, for the *token* of a link.

    It stands in the fragment, which no browser sends: neither a log nor a Referer has it.
    """
    return None if token is None else f"{see.issuer}{PAGE_PATH}#{token}"


def read_signatures(body: AcceptGrant) -> tuple[bytes, bytes]:
    """
    Return the owner's signatures over grant and kill note.

    Raises:
        Malformed: One is not 65 bytes.
    """
    bad, count = Code.MALFORMED_SIGNATURE, SIGNATURE_BYTES
    return (
        read_bytes(body.owner_signature, "owner_signature", count=count, code=bad),
        read_bytes(body.kill_note, "kill_note", count=count, code=bad),
    )


async def _renew(admitted: Admitted, ask: Ask[None, NoQuery]) -> wire.ConsentLink:
    made = await consent_link.renew_link(
        admitted.world, admitted.principal, admitted.request, session_id=ask.id
    )
    url = consent_url(admitted.reads, made.token)
    return wire.ConsentLink(session_id=ask.id, url=url, expires_at=made.link.expires_at)


async def _read(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.LinkedConsent:
    del ask
    return await _show(see, await consent_link.linked(see, principal))


async def _show(see: Reads, found: Linked) -> wire.LinkedConsent:
    session, account = found.session, found.account
    granted, permission = found.grant, found.permission
    typed = consent(granted, account)
    words, document = write_explained(permission, names=see.names), write_permission(permission)
    findings = (*lint(permission), *await findings_of(see, permission))
    return wire.LinkedConsent(
        session_id=session.id,
        organization=found.organization.name,
        label=session.label,
        device=session.device,
        proof="chain" if granted.key_id is None else "stamp",
        account=hexed(account.address),
        clone=write_clone(account.clone),
        chain=account.chain,
        chain_id=chain_id_of(account.chain),
        starts_at=session.starts_at,
        expires_at=session.expires_at,
        idle_s=session.idle_s,
        session_key=hexed(granted.session_key),
        permission=document,
        names=_names_in(document, see.names),
        headline=words.headline,
        explanation=words.explanation,
        worst_case=words.worst_case,
        findings=write_findings(findings).findings,
        grant=typed["grant"],
        kill_note=typed["kill_note"],
        link_expires_at=found.link.expires_at,
    )


def _names_in(document: PermissionDocument, names: Mapping[bytes, str]) -> dict[str, str]:
    text = msgspec.json.encode(document).decode()
    return {hexed(one): name for one, name in names.items() if hexed(one) in text}


async def _sign(admitted: Admitted, ask: Ask[AcceptGrant, NoQuery]) -> wire.SignedConsent:
    owner_signature, kill_note = read_signatures(ask.body)
    session = await grant.accept_grant(
        admitted.world,
        admitted.principal,
        admitted.request,
        session_id=await consent_link.session_id_of(admitted.reads, admitted.principal),
        owner_signature=owner_signature,
        kill_note=kill_note,
    )
    return wire.SignedConsent(session_id=session.id, state=session.state.value)


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/v1/sessions/{session_id}/consent-link",
        who=SECRET,
        scope=Scope.SESSIONS_OPEN,
        summary="Make a new link to the consent of a pending session; the one before ends",
        answer=wire.ConsentLink,
        status=201,
        handle=_renew,
    ),
    Read(
        method="GET",
        path="/v1/consent",
        who=_LINK,
        summary="Show the owner what the link asks them to sign",
        answer=wire.LinkedConsent,
        handle=_read,
    ),
    Write(
        method="POST",
        path="/v1/consent",
        who=_LINK,
        carried_by=_LINK,
        is_repeatable=True,
        summary="Bring the owner's signatures, which open the session of the link",
        body=AcceptGrant,
        answer=wire.SignedConsent,
        handle=_sign,
    ),
)
