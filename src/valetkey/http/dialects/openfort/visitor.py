"""Who asks: a key behind ``Bearer`` or as the user of ``Basic``, or a player's token."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Unauthenticated
from valetkey.core.principal import ANONYMOUS, Principal, PrincipalKind
from valetkey.core.surface import Surface
from valetkey.flows.holder import refused
from valetkey.flows.prove import Bearer, authenticate
from valetkey.http.dialects.openfort.third_party import PlayerToken, player_of
from valetkey.http.dialects.vendor import bearer_in, principal_of, token_in
from valetkey.http.routes import EVERYBODY

if TYPE_CHECKING:
    from valetkey.flows.world import World
    from valetkey.http.incoming import Incoming
    from valetkey.http.routes import Route
    from valetkey.http.traced import Noted

PROJECT: Final = b"x-project-key"
PLAYER: Final = b"x-player-token"
_LIVE: Final = ("sk_live_", "pk_live_")
_OURS: Final = ("sk_test_", "pk_test_")


class Player(Principal):
    """The session of a player, with the token that it has shown."""

    token: str


async def prove(world: World, route: Route, incoming: Incoming, _noted: Noted) -> Principal:
    """
    Return who asks.

    1. the key or token; 2. without one, the publishable key that stands for the project; 3. the
    project of a player's own token; 4. beside a publishable key, the token of a player that
    somebody else made.

    Raises:
        Unauthenticated, Forbidden: A proof is refused.
    """
    if route.who == EVERYBODY:
        return ANONYMOUS
    proof = basic_in(incoming) or bearer_in(incoming)  # 1
    project = token_in(incoming, PROJECT)
    try:
        if proof is None and project is not None:
            principal = await _of_project(world, project)  # 2
        else:
            principal = await principal_of(world, proof, route, Surface.OPENFORT)
    except Unauthenticated as error:
        _explain(error, proof or project)
        raise
    if principal.kind is PrincipalKind.SESSION and proof is not None:
        if project is not None:
            await _expect_same_project(world, principal, project)  # 3
        return _player(principal, proof.token)
    player = token_in(incoming, PLAYER)
    if principal.kind is not PrincipalKind.PUBLISHABLE or player is None:
        return principal
    told = [incoming.fields.get(name, b"") for name in (b"x-auth-provider", b"x-token-type")]
    provider, kind = [one.decode("latin-1") for one in told]
    told_by = PlayerToken(player.token, provider, kind)
    return _player(await player_of(world, principal, told_by, route), player.token)  # 4


def token_of(principal: Principal) -> str:
    """Return the token by which a player was proven."""
    return principal.token if isinstance(principal, Player) else ""


def _player(principal: Principal, token: str) -> Player:
    made = Player._make(principal)
    made.token = token
    return made


def basic_in(incoming: Incoming) -> Bearer | None:
    """
    Return the key that is the user of ``Authorization: Basic``, None if it is not that scheme.

    Raises:
        Unauthenticated: It is that, with a password or in another form.

    Spec:
        RFC 7617.
    """
    scheme, _, told = incoming.fields.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    detail = "expected Authorization: Basic with a key as user and no password, got something else"
    try:
        user, colon, password = base64.b64decode(told.strip(), validate=True).partition(b":")
        if not user or not colon or password:
            raise Unauthenticated(Code.PROOF_REFUSED, detail)
        return Bearer(user.decode("ascii"))
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthenticated(Code.PROOF_REFUSED, detail) from None


def _explain(error: Unauthenticated, proof: Bearer | None) -> None:
    """Say what is wrong with a key by its form alone: whose it would be is not told."""
    if error.code is not Code.PROOF_REFUSED or proof is None:
        return
    expected = "expected a key that `valetkey credential add --surface openfort` gave"
    if proof.token.startswith(_LIVE):
        error.detail = f"{expected} (sk_test_, pk_test_), got a live key of the vendor's form"
    elif proof.token.startswith(_OURS):
        error.detail = f"{expected}, got one that is unknown here, or was revoked"
    else:
        expected = "expected a key that begins with sk_test_ or pk_test_, or a player's token"
        error.detail = f"{expected}, got neither"


async def _of_project(world: World, project: Bearer) -> Principal:
    """Return whom the project's key proves; any other kind of proof has another header."""
    principal = await authenticate(world, project, is_write=False, surface=Surface.OPENFORT)
    if principal.kind is not PrincipalKind.PUBLISHABLE:
        raise refused("other_kind_of_project_key")
    return principal


async def _expect_same_project(world: World, principal: Principal, project: Bearer) -> None:
    found = await _of_project(world, project)
    if found.organization_id != principal.organization_id:
        raise refused("other_project")
