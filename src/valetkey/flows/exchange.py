"""Whose token may be exchanged for a narrower one, and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Forbidden, NotFound
from valetkey.core.principal import PrincipalKind
from valetkey.core.surface import Surface
from valetkey.flows.gate import expect_known, expect_reach
from valetkey.flows.introspect import session_of_token

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.core.session import Session
    from valetkey.flows.sight import Sight
    from valetkey.ports import View


async def subject_of(world: Sight, principal: Principal, *, token: str) -> Session:
    """
    Return the session that *token* proves, for *principal* to open a narrower one under it.

    A token that is bound to a key is worth nothing without a proof by the key, here as elsewhere:
    only the session itself, by a request that it has signed, exchanges it. A session exchanges no
    token but its own. Whether it is in use is asked when the narrower one is opened.

    Raises:
        NotFound: It is none, or of another organization, session or surface.
        Forbidden: It is bound to a key, and the request is not signed by it; or it is asked for
            from above, where no power is given.

    Spec:
        RFC 8693, section 2.1.
    """
    expect_known(principal)

    def body(view: View) -> Session:
        session = session_of_token(view, principal, token)
        is_own = principal.kind is PrincipalKind.SESSION
        is_others = session is not None and is_own and principal.subject_id != session.id
        if session is None or is_others or session.surface is not Surface.NATIVE:
            raise NotFound(Code.NOT_FOUND, "subject_token: expected the token of a session")
        expect_reach(view, principal, session.organization_id, "token", widens=True)
        if session.key is not None and not is_own:
            detail = "subject_token: expected a request signed by the key that it is bound to"
            raise Forbidden(Code.PROOF_KEY_BOUND, detail)
        return session

    return await world.store.read(body)
