"""The ASGI application: finds the route, proves who asks, opens the right door, answers."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from valetkey.core.errors import Code, ValetkeyError
from valetkey.core.ids import Prefix
from valetkey.core.principal import ANONYMOUS
from valetkey.core.surface import Surface
from valetkey.flows.meter import Subject
from valetkey.flows.prove import authenticate
from valetkey.http.answer import ENCODER, Answer, refuse, send_answer
from valetkey.http.door import Door, expect_entry
from valetkey.http.incoming import (
    Disconnected,
    Incoming,
    read_body,
    read_fields,
    read_form,
    read_json,
    read_query,
    read_target,
)
from valetkey.http.native.table import ROUTES
from valetkey.http.oauth import refuse_oauth
from valetkey.http.openapi import openapi_route
from valetkey.http.pages import Pages
from valetkey.http.peer import Peers
from valetkey.http.problem import CONTENT_TYPE, INTERNAL_STATUS, unforeseen
from valetkey.http.proof import nonce_fields, read_proof
from valetkey.http.rates import Turnstile
from valetkey.http.routes import EVERYBODY, Ask, Leave, Read, Stream, Table, check_name
from valetkey.http.sight import reads_of
from valetkey.http.streams.opened import by_ticket, check_resumed, send_stream, stream_answer
from valetkey.http.streams.streams import Streams
from valetkey.http.traced import Noted, flow_name, note_answer, request_span
from valetkey.ports import begin_request
from valetkey.telemetry.telemetry import Answered

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.http.answer import Send
    from valetkey.http.readiness import Readiness
    from valetkey.http.routes import Route
    from valetkey.http.settings import Settings
    from valetkey.telemetry.telemetry import Telemetry

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Body:
    """How bodies of one type are read: worked out once, for it takes longer than a request."""

    decoder: msgspec.json.Decoder[Any]
    may_be_empty: bool

    @classmethod
    def of(cls, kind: type[msgspec.Struct]) -> _Body:
        """Look at the fields of *kind*."""
        is_needed = any(one.required for one in msgspec.structs.fields(kind))
        return cls(msgspec.json.Decoder(kind), may_be_empty=not is_needed)


def _unasked(kind: type[msgspec.Struct]) -> msgspec.Struct | None:
    """Return what a query of *kind* is when it is empty; None if it must not be."""
    if any(one.required for one in msgspec.structs.fields(kind)):
        return None
    return read_query("", kind)


class App:
    """
    The native API over one world.

    A write goes on when its caller goes away: what it has begun, it finishes.
    """

    def __init__(
        self, world: World, settings: Settings, telemetry: Telemetry, readiness: Readiness
    ) -> None:
        self.table = Table((*ROUTES, openapi_route(ROUTES, version=settings.version)))
        self._telemetry = telemetry
        self._spans = telemetry.spans
        self._pages = Pages()
        self._world = world
        self._reads = reads_of(world, settings, readiness)
        self.streams = Streams(self._reads, settings, telemetry.journal)
        self._door = Door(world, self._reads)
        self._limits = settings.limits
        self._origin = settings.origin()
        self._peers = Peers(settings.trusted_proxies, settings.proxy_header)
        self._turnstile = Turnstile(settings.rates, world.clock)
        self._bodies = {
            route.body: _Body.of(route.body) for route in self.table.routes if route.body
        }
        self._unasked = {route.query: _unasked(route.query) for route in self.table.routes}
        self._begun: set[asyncio.Task[object]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await _answer_others(scope, receive, send)
            return
        started = time.perf_counter_ns()
        request_id = self._world.new_id(Prefix.REQUEST)
        begin_request(request_id)
        noted = Noted(scope["method"])
        self._telemetry.began()
        try:
            with request_span(self._spans, scope) as span:
                answer = await self._answer(scope, receive, request_id, noted)
                note_answer(span, noted, answer)
        except Disconnected:
            return
        finally:
            self._telemetry.ended()
        seconds = (time.perf_counter_ns() - started) / 1e9
        told = (noted.method, noted.route, answer.status, answer.code, noted.principal_id)
        self._telemetry.answered(Answered(*told, seconds, why=answer.why))
        answer.headers += noted.headers
        is_head = scope["method"] == "HEAD"
        if answer.stream is None:
            await send_answer(send, answer, request_id, is_head=is_head)
        else:
            await send_stream(send, receive, answer, request_id, is_head=is_head)

    async def finish(self, *, within_s: float) -> None:
        """
        Wait for every write that was begun, but not for ever; end what works beside us.

        One that waits longer for its chain is let go: its plan is written down, and the next server
        settles it.
        """
        begun = set(self._begun)
        if begun:
            _, late = await asyncio.wait(begun, timeout=within_s)
            for task in late:
                task.cancel()
            if late:
                self._telemetry.journal.note("warning", "server:let_go", writes=len(late))
                await asyncio.wait(late)
        await self._reads.calculator.close()

    async def _answer(
        self, scope: Scope, receive: Receive, request_id: str, noted: Noted
    ) -> Answer:
        try:
            return await self._route(scope, receive, noted)
        except ValetkeyError as error:
            return (refuse_oauth if noted.is_oauth else refuse)(error, request_id)
        except Disconnected:
            raise
        except Exception as error:  # noqa: BLE001 - the one place where nothing may get through
            self._telemetry.journal.unforeseen(error, route=noted.route)
            body = ENCODER.encode(unforeseen(request_id))
            return Answer(INTERNAL_STATUS, body, CONTENT_TYPE, code=Code.INTERNAL.value)

    async def _route(self, scope: Scope, receive: Receive, noted: Noted) -> Answer:
        """1. which route; 2. all of the request; 3. who asks; 4. what for; 5. through its door."""
        limits = self._limits
        path, query = read_target(scope, limits)  # 1
        page = self._pages.find(scope["method"], path)
        if page is not None:
            noted.route = path
            return page
        route, name = self.table.find(scope["method"], path)
        noted.route, noted.is_oauth = route.path, route.is_oauth
        peer = self._peers.of(scope)
        self._turnstile.expect_room(peer, route.lane)
        fields = read_fields(scope["headers"], limits)  # 2
        body = await read_body(receive, fields, limits)
        incoming = Incoming(scope["method"], scope["scheme"], path, query, fields, body)
        try:
            principal = await by_ticket(self._world, route, incoming, name)  # 3
            principal = principal or await self._principal(route, incoming, noted)
        except ValetkeyError as error:
            self._turnstile.failed(peer, route.lane, error)
            raise
        noted.principal_id = principal.subject_id
        noted.headers += self._turnstile.passed(peer, route.lane, principal)
        expect_entry(route, principal)
        ask = self._ask(route, incoming, name, peer)  # 4
        with self._spans.span(flow_name(route.handle)):
            made = await self._pass(route, principal, incoming, ask)  # 5
            if isinstance(made, Subject):
                return stream_answer(await self.streams.open(principal, made))
        return Answer(route.status, ENCODER.encode(made))

    async def _principal(self, route: Route, incoming: Incoming, noted: Noted) -> Principal:
        if route.who == EVERYBODY:
            return ANONYMOUS
        if b"dpop" in incoming.fields:
            noted.headers = await nonce_fields(self._world)
        proof = read_proof(incoming, origin=self._origin, now=self._world.clock.now())
        return await authenticate(
            self._world,
            proof,
            is_write=not isinstance(route, Read),
            is_leaving=isinstance(route, Leave),
            surface=Surface.NATIVE,
        )

    def _ask(self, route: Route, incoming: Incoming, name: str, peer: str) -> Ask[Any, Any]:
        body: object = None
        if route.body is not None:
            if route.form:
                body = read_form(incoming, route.body)
            else:
                kind = self._bodies[route.body]
                body = read_json(
                    incoming, kind.decoder, self._limits, may_be_empty=kind.may_be_empty
                )
        query = self._unasked.get(route.query) if not incoming.query else None
        if query is None:
            query = read_query(incoming.query, route.query)
        return Ask(check_name(route, name), body, query, peer)

    async def _pass(
        self, route: Route, principal: Principal, incoming: Incoming, ask: Ask[Any, Any]
    ) -> object:
        if isinstance(route, Stream):
            check_resumed(incoming)
        if isinstance(route, Read):
            return await route.handle(self._reads, principal, ask)
        key = incoming.fields.get(b"idempotency-key")
        if isinstance(route, Leave):
            way_out = self._door.let_out(route, principal, key, ask)
            return await self._to_the_end(route.handle(way_out, ask))
        admitted = self._door.admit(route, principal, key, ask)
        return await self._to_the_end(route.handle(admitted, ask))

    async def _to_the_end(self, write: Awaitable[object]) -> object:
        """Run *write* in a task of its own, which nobody cancels when the caller is gone."""
        task = asyncio.ensure_future(write)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return await asyncio.shield(task)


async def _answer_others(scope: Scope, receive: Receive, send: Send) -> None:
    """Follow a lifespan to its end; refuse a websocket."""
    if scope["type"] != "lifespan":
        await send({"type": "websocket.close", "code": 1008})
        return
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
