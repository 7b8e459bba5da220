"""The ASGI application: finds the route, proves who asks, opens the right door, answers."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from valetkey.core.errors import Code, Unauthenticated, ValetkeyError
from valetkey.core.ids import Prefix
from valetkey.core.principal import ANONYMOUS
from valetkey.flows.meter import Subject
from valetkey.http.answer import ENCODER, Answer, send_answer
from valetkey.http.asking import Asking
from valetkey.http.cors import asked_by_preflight
from valetkey.http.door import Door, expect_entry
from valetkey.http.faces import Faces
from valetkey.http.incoming import Disconnected, Incoming, read_body, read_fields, read_target
from valetkey.http.peer import Peers
from valetkey.http.problem import unforeseen
from valetkey.http.rates import Turnstile
from valetkey.http.routes import Ask, Leave, Read, Stream
from valetkey.http.sight import reads_of
from valetkey.http.streams.opened import by_ticket, check_resumed, send_stream, stream_answer
from valetkey.http.streams.streams import Streams
from valetkey.http.traced import Noted, flow_span, note_answer, request_span
from valetkey.ports import begin_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.http.answer import Send
    from valetkey.http.face import Face
    from valetkey.http.rates import Lane
    from valetkey.http.readiness import Readiness
    from valetkey.http.routes import Route
    from valetkey.http.settings import Settings
    from valetkey.telemetry.telemetry import Telemetry

    Scope = dict[str, Any]
    Receive = Callable[[], Awaitable[dict[str, Any]]]


class _Shown(NamedTuple):
    """Which face a request is shown, and how many characters of its path only said so."""

    face: Face
    skipped: int
    request_id: str


class App:
    """
    The API over one world, native and in the dialects that are turned on.

    A write goes on when its caller goes away: what it has begun, it finishes.
    """

    def __init__(
        self, world: World, settings: Settings, telemetry: Telemetry, readiness: Readiness
    ) -> None:
        self.faces = Faces(settings)
        self._telemetry = telemetry
        self._spans = telemetry.spans
        self._world = world
        self._reads = reads_of(world, settings, readiness)
        self.streams = Streams(self._reads, settings, telemetry.journal)
        self._door = Door(world, self._reads)
        self._limits = settings.limits
        self._peers = Peers(settings.trusted_proxies, settings.proxy_header)
        routes = [route for face in self.faces.all() for route in face.table.routes]
        paces = {route.pace for route in routes if route.pace is not None}
        self._turnstile = Turnstile(settings.rates, world.clock, paces)
        self._asking = Asking(routes, settings.limits)
        self._begun: set[asyncio.Task[object]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request on the shared socket."""
        if scope["type"] != "http":
            await _answer_others(scope, receive, send)
            return
        face, skipped = self.faces.find(scope)
        await self.serve(scope, receive, send, face, skipped=skipped)

    async def serve(
        self, scope: Scope, receive: Receive, send: Send, face: Face, *, skipped: int = 0
    ) -> None:
        """
        Answer one request with *face*.

        Args:
            skipped: How many characters of the path only said which face.
        """
        started = time.perf_counter_ns()
        request_id = self._world.new_id(Prefix.REQUEST)
        begin_request(request_id)
        noted = Noted(scope["method"])
        shown = _Shown(face, skipped, request_id)
        self._telemetry.began()
        try:
            with request_span(self._spans, scope) as span:
                answer = await self._answer(scope, receive, shown, noted)
                note_answer(span, noted, answer)
        except Disconnected:
            return
        finally:
            self._telemetry.ended()
        noted.seconds = (time.perf_counter_ns() - started) / 1e9
        self._telemetry.answered(noted)
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

    async def _answer(self, scope: Scope, receive: Receive, shown: _Shown, noted: Noted) -> Answer:
        face, request_id = shown.face, shown.request_id
        try:
            answer = await self._route(scope, receive, shown, noted)
        except ValetkeyError as error:
            answer = face.refuse(error, request_id, noted)
        except Disconnected:
            raise
        except Exception as error:  # noqa: BLE001 - the one place where nothing may get through
            self._telemetry.journal.unforeseen(error, route=noted.route)
            answer = face.refuse(unforeseen(request_id), request_id, noted)
        if face.cors is not None:
            answer.headers += face.cors.fields(scope["headers"])
        return answer

    async def _route(self, scope: Scope, receive: Receive, shown: _Shown, noted: Noted) -> Answer:
        """1. which route; 2. all of the request; 3. who asks; 4. what for; 5. through its door."""
        limits, face = self._limits, shown.face
        whole, query = read_target(scope, limits)  # 1
        path = whole[shown.skipped :]
        file = face.find_file(scope["method"], path)
        if file is not None:
            noted.route = whole
            return file
        peer = self._peers.of(scope)
        asked = asked_by_preflight(scope["method"], scope["headers"])
        if face.cors is not None and face.cors.origins.texts and asked is not None:
            self._turnstile.passed(peer, face.table.lane(asked, path), ANONYMOUS)
            return face.cors.preflight(scope["headers"])
        route, names = face.table.find(scope["method"], path)
        noted.route, noted.is_oauth = f"{face.prefix}{route.path}", route.is_oauth
        self._turnstile.expect_room(peer, route.lane)
        fields = noted.fields = read_fields(scope["headers"], limits)  # 2
        body = await read_body(receive, fields, limits)
        incoming = Incoming(scope["method"], scope["scheme"], path, query, fields, body)
        try:
            principal = None  # 3
            if isinstance(route, Stream):
                principal = await by_ticket(self._world, route, incoming, names)
            if principal is None:
                principal = await face.prove(self._world, route, incoming, noted)
        except ValetkeyError as error:
            self._turnstile.failed(peer, route.lane, error)
            raise
        noted.principal_id = principal.subject_id
        noted.headers += self._turnstile.passed(peer, route.lane, principal, route.pace)
        expect_entry(route, principal)
        ask = self._asking.read(route, incoming, names, peer, face.reading)  # 4
        key = incoming.fields.get(face.request_id_field)
        with flow_span(self._spans, route.handle):
            making = self._made(route, principal, incoming, ask, key)
            made = await self._counted(principal, ask, route.lane, making)  # 5
            if isinstance(made, Subject):
                return stream_answer(await self.streams.open(principal, made))
        return made if isinstance(made, Answer) else Answer(route.status, ENCODER.encode(made))

    def _made(
        self,
        route: Route,
        principal: Principal,
        incoming: Incoming,
        ask: Ask[Any, Any],
        key: bytes | None,
    ) -> Awaitable[object]:
        """Return what *route* makes of *ask*, to be awaited, behind the door that it has."""
        if isinstance(route, Stream):
            check_resumed(incoming)
        if isinstance(route, Read):
            return route.handle(self._reads, principal, ask)
        if isinstance(route, Leave):
            way_out = self._door.let_out(route, principal, key, ask)
            return self._to_the_end(route.handle(way_out, ask))
        admitted = self._door.admit(route, principal, key, ask)
        return self._to_the_end(route.handle(admitted, ask))

    async def _counted(
        self, principal: Principal, ask: Ask[Any, Any], lane: Lane, making: Awaitable[object]
    ) -> object:
        """Return what comes of *making*; nobody's wrong code is as dear as a wrong proof."""
        try:
            return await making
        except Unauthenticated as error:
            if principal is ANONYMOUS and error.code is Code.CODE_REFUSED:
                self._turnstile.failed(ask.peer, lane, error)
            raise

    async def _to_the_end(self, write: Awaitable[object]) -> object:
        """Run *write* in a task of its own, which nobody cancels when the caller is gone."""
        task = asyncio.ensure_future(write)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return await asyncio.shield(task)


class Front:
    """A socket where *app* shows one face alone: no other route is there."""

    def __init__(self, app: App, face: Face) -> None:
        self._app = app
        self._face = face

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await _answer_others(scope, receive, send)
            return
        await self._app.serve(scope, receive, send, self._face)


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
