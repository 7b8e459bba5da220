"""Users who come by themselves, with nothing but the publishable key of an organization's app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from valetkey.core.activity import Request, request_hash
from valetkey.core.ids import Prefix
from valetkey.core.organization import User
from valetkey.core.quota import Quota
from valetkey.core.token import TOKEN_BYTES, TokenPrefix, make_token
from valetkey.flows.client_session import open_client_session
from valetkey.flows.counts import count_one
from valetkey.flows.record import admit, begin, part_of, write_down

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.core.session import Session
    from valetkey.core.surface import Surface
    from valetkey.flows.world import World
    from valetkey.ports import Tx

LABEL: Final = "log-in as a guest"


class LoggedIn(NamedTuple):
    """
    A user's client that has just logged in.

    Args:
        token: Of the session, shown this once; empty if something else proves it.
    """

    user: User
    session: Session
    token: str = ""

    def __repr__(self) -> str:
        """Show no token."""
        return f"LoggedIn({self.user.id}, {self.session.id})"


async def log_in_guest(world: World, key: Principal, *, surface: Surface) -> LoggedIn:
    """
    Return a new user and their session; nobody else can ever log in as them.

    Raises:
        Unauthenticated, Forbidden: The key is shut out, or the organization acts elsewhere.
        Limited: There are too many users, sessions or writes of the organization.
    """
    token = make_token(TokenPrefix.SESSION, world.entropy.take(TOKEN_BYTES))
    user_id = world.new_id(Prefix.USER)
    request = Request(world.new_id(Prefix.REQUEST), request_hash("log_in_guest", user_id))

    def body(tx: Tx) -> LoggedIn:
        admit(world, tx, key, request)
        user = add_client_user(world, tx, key, request, user_id=user_id, reference="")
        opening = part_of(request, "session")
        session = open_client_session(
            world, tx, key, opening, user_id=user.id, surface=surface, label=LABEL, token=token
        )
        return LoggedIn(user, session, token)

    return await world.store.write(body)


def add_client_user(
    world: World, tx: Tx, key: Principal, request: Request, *, user_id: str, reference: str
) -> User:
    """
    Return a new user who came with *key*.

    Raises:
        Limited: The organization has as many users as it may.
    """
    owner = key.organization_id
    user = User(user_id, owner, reference, world.clock.now())
    count_one(world, tx, owner, Quota.USERS)
    tx.add(user)
    adding = part_of(request, "user")
    activity = begin(world, key, adding, "user:add", organization_id=owner, subject_id=user.id)
    write_down(world, tx, activity, "user:added")
    return user
