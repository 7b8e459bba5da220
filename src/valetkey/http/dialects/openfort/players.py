"""Players: the users of an organization, with what it notes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.json import Decoder

from valetkey.core.activity import Activity
from valetkey.core.ids import Prefix
from valetkey.core.organization import User
from valetkey.core.profile import MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, Profile
from valetkey.core.scope import Scope
from valetkey.flows.profiles import Notes, add_noted_user, note, profile_of, shown_user, take_out
from valetkey.flows.user_accounts import accounts_of
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.account_json import Account, write_account
from valetkey.http.dialects.openfort.intent_json import IntentJson, is_intent, write_intent
from valetkey.http.dialects.openfort.listed_accounts import Held, are_there
from valetkey.http.dialects.openfort.lists import Part, Window, found, part, sifted
from valetkey.http.dialects.openfort.named import Deleted
from valetkey.http.routes import SECRET, Ask, NoQuery, Read, Route, Write
from valetkey.wire.base import read_text

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.core.wallet import Account as CoreAccount
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads
    from valetkey.ports import View

PATH: Final = "/v1/players"
MAX_SHOWN: Final = 10  # of what belongs to a player, newest first
_DECODER: Final = Decoder(str | int | float)
Expand = Literal["accounts", "transactionIntents"]


class NotesBody(Struct, frozen=True):
    """What a player is called, and what is noted; empty metadata takes all of it away."""

    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARS)] | None = None
    description: Annotated[str, Meta(max_length=MAX_DESCRIPTION_CHARS)] | None = None
    metadata: dict[str, str | int | float] | Literal[""] | None = None


class Players(Window, frozen=True, kw_only=True):
    """Which players; with a name, those who are called exactly so."""

    expand: list[Expand] = field(default_factory=list)
    name: str | None = None


class One(Struct, frozen=True, kw_only=True):
    """What of a player is shown in whole."""

    expand: list[Expand] = field(default_factory=list)


class Player(Struct, frozen=True, kw_only=True, rename="camel"):
    """A player as it is answered; what belongs to it only where that is asked for."""

    id: str
    created_at: int
    name: str
    description: str | UnsetType = UNSET
    metadata: dict[str, str | int | float] | UnsetType = UNSET
    accounts: list[Account] | UnsetType = UNSET
    transaction_intents: list[IntentJson] | UnsetType = UNSET
    object: Literal["player"] = "player"


def intents_of(view: View, accounts: list[CoreAccount]) -> list[IntentJson]:
    """Return the newest intents of *accounts*."""
    some = [
        (one, account)
        for account in accounts
        for one in view.find(Activity, account_id=account.id, limit=100, newest_first=True)
        if is_intent(one)
    ]
    newest = sorted(some, key=lambda found: found[0].id, reverse=True)[:MAX_SHOWN]
    return [write_intent(one, account) for one, account in newest]


class _Seen(NamedTuple):
    """A player, and what is to be shown of what belongs to it."""

    user: User
    profile: Profile
    has: list[Held]
    intents: list[IntentJson] | UnsetType


def _seen(view: View, user: User, profile: Profile, expand: list[Expand]) -> _Seen:
    has = accounts_of(view, user.id) if expand else []
    is_told = "transactionIntents" in expand
    intents = intents_of(view, [account for _, account in has]) if is_told else UNSET
    return _Seen(user, profile, has if "accounts" in expand else [], intents)


async def _written(see: Reads, seen: list[_Seen], expand: list[Expand]) -> list[Player]:
    held = [one for player in seen for one in player.has]
    there = iter(await are_there(see, [account for _, account in held]))
    return [
        _shown(
            one.user,
            one.profile,
            accounts=[write_account(held, deployed=next(there)) for held in one.has]
            if "accounts" in expand
            else UNSET,
            intents=one.intents,
        )
        for one in seen
    ]


def _shown(
    user: User,
    profile: Profile,
    *,
    accounts: list[Account] | UnsetType = UNSET,
    intents: list[IntentJson] | UnsetType = UNSET,
) -> Player:
    return Player(
        id=ids.shown(user.id, ids.PLAYER),
        created_at=user.created_at,
        name=profile.name,
        description=profile.description or UNSET,
        metadata={one.name: _DECODER.decode(one.value) for one in profile.metadata} or UNSET,
        accounts=accounts,
        transaction_intents=intents,
    )


def shown_player(view: View, user_id: str) -> Player | None:
    """Return a player as it is answered, None if it was deleted."""
    user = view.get(User, user_id)
    if user is None:
        return None
    profile = profile_of(view, user)
    return _shown(user, profile) if profile.deleted_at is None else None


def _notes(body: NotesBody) -> Notes:
    for name in ("name", "description"):
        text = getattr(body, name)
        if text is not None:
            read_text(text, name)
    metadata = {} if body.metadata == "" else body.metadata
    return Notes(body.name, body.description, metadata)


def _id(ask: Ask[Any, Any]) -> str:
    return ids.native(ask.id, Prefix.USER, ids.PLAYER)


async def _answered(see: Reads, user: User, expand: list[Expand]) -> Player:
    seen = await see.store.read(lambda view: _seen(view, user, profile_of(view, user), expand))
    return (await _written(see, [seen], expand))[0]


async def _create(admitted: Admitted, ask: Ask[NotesBody, NoQuery]) -> Player:
    asked = (admitted.world, admitted.principal, admitted.request)
    user, _ = await add_noted_user(*asked, _notes(ask.body))
    return await _answered(admitted.reads, user, [])


async def _update(admitted: Admitted, ask: Ask[NotesBody, NoQuery]) -> Player:
    asked = (admitted.world, admitted.principal, admitted.request)
    user, _ = await note(*asked, user_id=_id(ask), notes=_notes(ask.body))
    return await _answered(admitted.reads, user, [])


async def _delete(admitted: Admitted, ask: Ask[None, NoQuery]) -> Deleted:
    asked = (admitted.world, admitted.principal, admitted.request)
    await take_out(*asked, user_id=_id(ask))
    return Deleted(id=ask.id, object="player")


async def _get(see: Reads, principal: Principal, ask: Ask[None, One]) -> Player:
    user_id = _id(ask)

    expand = ask.query.expand
    seen = await see.store.read(
        lambda view: _seen(view, *shown_user(view, principal, user_id), expand)
    )
    return (await _written(see, [seen], expand))[0]


async def _list(see: Reads, principal: Principal, ask: Ask[None, Players]) -> Part[Player]:
    query = ask.query
    where = {"organization_id": principal.organization_id}

    def body(view: View) -> tuple[list[_Seen], int]:
        def keep(user: User) -> bool:
            profile = profile_of(view, user)
            return profile.deleted_at is None and query.name in {None, profile.name}

        if query.name is None:
            gone = view.count(Profile, deleted=1, **where)
            users = found(view, User, where, query, keep)
            total = view.count(User, **where) - gone
        else:
            users, total = sifted(view, User, where, query, keep)
        return [_seen(view, one, profile_of(view, one), query.expand) for one in users], total

    seen, total = await see.store.read(body)
    return part(PATH, await _written(see, seen, query.expand), query, total)


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path=PATH,
        who=SECRET,
        scope=Scope.USERS_WRITE,
        summary="Add a player",
        body=NotesBody,
        answer=Player,
        handle=_create,
    ),
    Read(
        method="GET",
        path=PATH,
        who=SECRET,
        scope=Scope.READ,
        summary="List players",
        query=Players,
        answer=Part[Player],
        handle=_list,
    ),
    Read(
        method="GET",
        path=f"{PATH}/{{player}}",
        who=SECRET,
        scope=Scope.READ,
        summary="Show a player",
        query=One,
        answer=Player,
        handle=_get,
    ),
    Write(
        method="POST",
        path=f"{PATH}/{{player}}",
        who=SECRET,
        scope=Scope.USERS_WRITE,
        summary="Change what is noted of a player",
        body=NotesBody,
        answer=Player,
        handle=_update,
    ),
    Write(
        method="DELETE",
        path=f"{PATH}/{{player}}",
        who=SECRET,
        scope=Scope.USERS_WRITE,
        summary="Take a player out of sight",
        answer=Deleted,
        handle=_delete,
    ),
)
