"""What a client asks for, with its session token or its API key: who it is, and its share pairs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta, Struct

from valetkey.core.errors import Code, NotFound
from valetkey.core.scope import SessionScope
from valetkey.core.share_pair import MAX_CIPHER_TEXT_CHARS, PairKind
from valetkey.flows.client_shares import keep_cipher_text, store_pairs
from valetkey.flows.clients import client_of
from valetkey.http.answer import NO_CONTENT, Answer
from valetkey.http.dialects.portal.details import Details, write_details
from valetkey.http.rates import Lane
from valetkey.http.routes import SESSION, Ask, Leave, NoQuery, Read, Route, Write

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted, Exit
    from valetkey.http.sight import Reads

ME: Final = "/api/v3/clients/me"
_MAX_PAIRS: Final = 16
Ids = Annotated[list[str], Meta(min_length=1, max_length=_MAX_PAIRS)]


class StoredSigning(Struct, frozen=True, rename="camel"):
    """Signing shares that the client has stored."""

    signing_share_pair_ids: Ids
    status: Literal["STORED_CLIENT"]


class StoredBackup(Struct, frozen=True, rename="camel"):
    """Backup shares that the client has stored, or the keys that open them."""

    backup_share_pair_ids: Ids
    status: Literal["STORED_CLIENT_BACKUP_SHARE", "STORED_CLIENT_BACKUP_SHARE_KEY"]
    backup_method: Annotated[str, Meta(max_length=32)] = ""


class CipherText(Struct, frozen=True, rename="camel"):
    """A backup share that the client has encrypted."""

    client_cipher_text: Annotated[str, Meta(max_length=MAX_CIPHER_TEXT_CHARS)]


class KeptCipherText(Struct, frozen=True, rename="camel"):
    """What was kept for the client."""

    cipher_text: str


def nothing() -> Answer:
    """Return an answer without a body."""
    return Answer(NO_CONTENT, b"")


async def _me(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> Details:
    del ask
    return write_details(await client_of(see, principal))


async def _stored_signing(admitted: Admitted, ask: Ask[StoredSigning, NoQuery]) -> Answer:
    await store_pairs(
        admitted.world,
        admitted.principal,
        admitted.request,
        kind=PairKind.SIGNING,
        pair_ids=ask.body.signing_share_pair_ids,
    )
    return nothing()


async def _stored_backup(admitted: Admitted, ask: Ask[StoredBackup, NoQuery]) -> Answer:
    await store_pairs(
        admitted.world,
        admitted.principal,
        admitted.request,
        kind=PairKind.BACKUP,
        pair_ids=ask.body.backup_share_pair_ids,
        method=ask.body.backup_method,
    )
    return nothing()


async def _keep(admitted: Admitted, ask: Ask[CipherText, NoQuery]) -> Answer:
    await keep_cipher_text(
        admitted.world,
        admitted.principal,
        admitted.request,
        pair_id=ask.id,
        cipher_text=ask.body.client_cipher_text,
    )
    return nothing()


async def _kept(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> KeptCipherText:
    client = await client_of(see, principal)
    for held in client.wallets.values():
        for pair in held.pairs:
            if pair.id == ask.id and pair.cipher_text is not None:
                return KeptCipherText(pair.cipher_text)
    raise NotFound(Code.NOT_FOUND, "there is no cipher text with that id")


async def _close(way_out: Exit, ask: Ask[None, NoQuery]) -> Answer:
    del ask
    await way_out.close()
    return nothing()


_changes = partial(
    Write, method="PATCH", who=SESSION, answer=None, status=NO_CONTENT, is_new_each_time=True
)
_PAIR: Final = f"{ME}/backup-share-pairs/{{pair}}"

ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="GET",
        path=ME,
        who=SESSION,
        session_scope=SessionScope.SELF,
        summary="Show the client that asks",
        answer=Details,
        handle=_me,
    ),
    _changes(
        path=f"{ME}/signing-share-pairs",
        summary="Say which signing shares are stored",
        body=StoredSigning,
        handle=_stored_signing,
    ),
    _changes(
        path=f"{ME}/backup-share-pairs",
        summary="Say which backup shares are stored",
        body=StoredBackup,
        handle=_stored_backup,
    ),
    _changes(path=_PAIR, summary="Keep a cipher text", body=CipherText, handle=_keep),
    Read(
        method="GET",
        path=f"{_PAIR}/cipher-text",
        who=SESSION,
        summary="Show a cipher text",
        answer=KeptCipherText,
        handle=_kept,
    ),
    Leave(
        method="DELETE",
        path=f"{ME}/session",
        who=SESSION,
        lane=Lane.STOP,
        summary="Close the session that asks; ours",
        answer=None,
        status=NO_CONTENT,
        is_new_each_time=True,
        handle=_close,
    ),
)
