"""Routes of what says who pays: secret keys alone, to look or to change."""

from __future__ import annotations

from typing import Any

from valetkey.core.scope import Scope
from valetkey.http.routes import SECRET, Read, Route


def policy_route(
    kind: Any,  # noqa: ANN401 - `Read` or `Write`
    method: str,
    path: str,
    summary: str,
    handle: Any,  # noqa: ANN401 - as a route takes it
    **more: Any,  # noqa: ANN401 - as a route takes it
) -> Route:
    """Return the route; its answer, and its body if it has one, are among *more*."""
    scope = Scope.READ if kind is Read else Scope.SPONSORSHIPS_WRITE
    route: Route = kind(
        method=method, path=path, who=SECRET, scope=scope, summary=summary, handle=handle, **more
    )
    return route
