"""OpenAPI 3.1, made from the route table and the types that parse."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from valetkey.core.errors import Code
from valetkey.core.principal import PrincipalKind
from valetkey.http.problem import CONTENT_TYPE
from valetkey.http.routes import EVERYBODY, PREFIXES, NoQuery, Read, Stream, parameters_of
from valetkey.wire.exchange import OauthError
from valetkey.wire.server import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.principal import Principal
    from valetkey.http.routes import Ask, Route
    from valetkey.http.sight import Reads

OPENAPI_VERSION: Final = "3.1.0"
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_SCHEMAS: Final = "#/components/schemas/"
_WORD: Final = re.compile(r"[a-z]+")
_SECURITY: Final[dict[str, Any]] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key (`vk_secret_…`, `vk_public_…`) a session's token"
        " (`vk_session_…`), or that of a consent link (`vk_consent_…`).",
    },
    "client": {
        "type": "http",
        "scheme": "basic",
        "description": "The id of a credential and its API key (RFC 6749, 2.3.1).",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature",
        "description": "RFC 9421, with `Signature-Input` and, with a body, `Content-Digest`"
        " (RFC 9530). Label `vk`; components `@method`, `@target-uri` (or `@path` and `@query`)"
        " and `content-digest`; parameters `created`, `nonce`, `keyid` (a session or a P-256"
        " credential) and `alg`. The nonce is the unique id of a write.",
    },
}


def make_openapi(routes: Sequence[Route], *, version: str) -> dict[str, Any]:
    """Return the document that describes *routes*."""
    types: list[Any] = [Problem, OauthError]
    for route in routes:
        types += [one for one in (route.body, route.answer) if one not in {None, dict}]
    _, components = msgspec.json.schema_components(types, ref_template=f"{_SCHEMAS}{{name}}")
    paths: dict[str, Any] = {}
    for route in sorted(routes, key=lambda route: (route.path, route.method)):
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": "valetkey",
            "version": version,
            "summary": "Sessions for wallets: limited, expiring, revocable power over a wallet.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {
                **dict(sorted(components.items())),
                "Code": {"enum": [code.value for code in Code]},
            },
            "securitySchemes": _SECURITY,
        },
    }


def openapi_route(routes: Sequence[Route], *, version: str) -> Read:
    """Return the route that serves the description of *routes* and of itself."""
    return _own_route(openapi_document(routes, version=version))


def openapi_document(routes: Sequence[Route], *, version: str) -> dict[str, Any]:
    """Return the document that a server of *routes* serves: its own route is in it."""
    return make_openapi((*routes, _own_route({})), version=version)


def _own_route(document: dict[str, Any]) -> Read:
    served = msgspec.Raw(msgspec.json.encode(document))

    async def handle(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> msgspec.Raw:
        del see, principal, ask
        return served

    return Read(
        method="GET",
        path="/openapi.json",
        who=EVERYBODY,
        summary="Show this description",
        answer=dict,
        handle=handle,
    )


def _operation(route: Route) -> dict[str, Any]:
    who = sorted(kind.value for kind in route.who)
    operation: dict[str, Any] = {
        "operationId": "_".join([route.method.lower(), *_WORD.findall(route.path)]),
        "summary": route.summary,
        "description": f"For: {', '.join(who)}." if route.who != EVERYBODY else "For everybody.",
        "parameters": _parameters(route),
        "responses": {
            str(route.status): {
                "description": "Done.",
                "headers": {"X-Request-Id": {"schema": {"type": "string"}}},
                "content": {_media(route): {"schema": _reference(route.answer)}},
            },
            "default": _refusal(route),
        },
        "security": [] if route.who == EVERYBODY else [{name: []} for name in _proofs(route)],
    }
    if route.scope is not None:
        operation["description"] += f" Credentials need the scope `{route.scope}`."
    if PrincipalKind.SESSION in route.who and not isinstance(route, Read):
        operation["description"] += " Signed, unless it only ends the session."
    if route.body is not None:
        required = any(one.required for one in msgspec.structs.fields(route.body))
        kind = _FORM_TYPE if route.form else "application/json"
        content = {kind: {"schema": _reference(route.body)}}
        operation["requestBody"] = {"required": required, "content": content}
    return operation


def _proofs(route: Route) -> tuple[str, ...]:
    return ("token", "signature", "client") if route.form else ("token", "signature")


def _media(route: Route) -> str:
    return "text/event-stream" if isinstance(route, Stream) else "application/json"


def _refusal(route: Route) -> dict[str, Any]:
    standard, kind, schema = "RFC 9457", CONTENT_TYPE.decode(), _reference(Problem)
    if route.is_oauth:
        standard, kind, schema = "RFC 6749", "application/json", _reference(OauthError)
    return {"description": f"Why not ({standard}).", "content": {kind: {"schema": schema}}}


def _reference(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever type a route names
    if kind is dict:
        return {"type": "object"}
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=f"{_SCHEMAS}{{name}}")
    return schema


def _parameters(route: Route) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    for named in parameters_of(route.path):
        schema: dict[str, Any] = {"type": "string"}
        if named in PREFIXES:
            schema["pattern"] = f"^{PREFIXES[named]}_[0-9a-z]{{24}}$"
        parameters.append({"name": named, "in": "path", "required": True, "schema": schema})
    if not isinstance(route, Read):
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "The unique id of this write; needed unless the request is signed.",
                "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
            }
        )
    return [*parameters, *_query(route.query)]


def _query(kind: type[msgspec.Struct]) -> list[dict[str, Any]]:
    if kind is NoQuery:
        return []
    _, components = msgspec.json.schema_components([kind], ref_template="{name}")
    properties = components[kind.__name__]["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in properties.items()
    ]
