"""How a server ends, and what it tells of itself while it runs, as a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.cli.program import TIMEOUT_S, process, valetkey
from tests.cli.test_serve import serving
from tests.leaks import note_output, secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TRIES = 10_000


def until_not_ready(url: str) -> httpx.Response:
    """Return the first answer of ``/readyz`` that is no yes."""
    with httpx.Client(base_url=url) as client:
        for _ in range(_TRIES):
            answer = client.get("/readyz")
            if answer.status_code != 200:
                return answer
    raise AssertionError("it went on being ready")


def configure(home: Path, **values: object) -> None:
    """Set *values* in the configuration of a server, in front of its tables."""
    path = home / "valetkey.toml"
    lines = path.read_text().splitlines()
    kept = [line for line in lines if line.partition("=")[0].strip("# ") not in values]
    told = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    path.write_text("\n".join([*told, *kept]) + "\n")


def test_it_says_that_it_ends_before_it_does_and_a_second_signal_ends_it(home: Path) -> None:
    """While it drains it answers everybody, and tells only who asks that nobody is to come."""
    configure(home, drain_s=120)
    with serving(home) as (child, url):
        assert httpx.get(f"{url}/readyz").status_code == 200
        child.send_signal(signal.SIGTERM)
        answer = until_not_ready(url)
        assert (answer.status_code, answer.json()["failed"]) == (503, ["server"])
        assert httpx.get(f"{url}/healthz").status_code == 200
        child.send_signal(signal.SIGTERM)
        assert child.wait(TIMEOUT_S) == -signal.SIGTERM
    assert process("audit", "verify", "--home", home).code == 0


def test_a_request_that_was_begun_is_answered(home: Path) -> None:
    """The head is here and the body is on its way: the caller gets an answer, and the exit is 0."""
    with serving(home) as (child, url):
        _, _, address = url.rpartition("/")
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as caller:
            head = (
                "POST /v1/permissions/explain HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
                "content-type: application/json\r\ncontent-length: 2\r\n\r\n"
            )
            caller.sendall(head.encode())
            assert caller.recv(1000).startswith(b"HTTP/1.1 100 ")  # it is being read
            child.send_signal(signal.SIGTERM)
            assert child.stderr is not None
            while b"server:stopping" not in child.stderr.readline():
                pass
            caller.sendall(b"{}")
            answer = b"".join(iter(lambda: caller.recv(1000), b""))
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"malformed_body" in answer
        assert child.wait(TIMEOUT_S) == 0


def test_a_disk_without_room_makes_it_unready(home: Path) -> None:
    """The bound is the operator's; a store that cannot grow takes no more sessions."""
    configure(home, min_free_mib=2**40)
    with serving(home) as (_, url):
        answer = httpx.get(f"{url}/readyz")
        assert (answer.status_code, answer.json()["failed"]) == (503, ["disk"])
        assert "MiB" not in answer.text


def test_metrics_are_on_a_port_of_their_own(home: Path) -> None:
    """It says where; the API itself has no such page."""
    configure(home, metrics_port=0)
    with serving(home) as (child, url):
        httpx.get(f"{url}/v1/server")
        assert child.stderr is not None
        while b"server:started" not in (line := child.stderr.readline()):
            pass
        page = httpx.get(json.loads(line)["metrics_url"])
        assert 'valetkey_requests_total{method="GET",route="/v1/server",status="2xx"} 1.0' in (
            page.text
        )
        assert "process_resident_memory_bytes" in page.text
        assert httpx.get(f"{url}/metrics").status_code == 404


def test_lines_below_the_level_are_not_logged(home: Path) -> None:
    """At ``error`` a server that works says nothing."""
    configure(home, log_level="error")
    with serving(home) as (child, url):
        httpx.get(f"{url}/v1/server")
        child.terminate()
        _, log = child.communicate(timeout=TIMEOUT_S)
    assert log == b""


@contextmanager
def collector(sent: list[ExportTraceServiceRequest]) -> Iterator[str]:
    """Take what an exporter of OpenTelemetry sends, and give the address for it."""

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            sent.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Taker) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
        finally:
            server.shutdown()
            thread.join()


def test_traces_reach_a_collector_before_it_is_gone(tmp_path: Path) -> None:
    """What was traced last is sent before the process ends, by the exporter itself."""
    home = tmp_path / "home"
    key = valetkey("init", "--home", home, "--json").document["secret_key"]
    secret(key.encode())
    sent: list[ExportTraceServiceRequest] = []
    with collector(sent) as url:
        configure(home, traces_url=url)
        with serving(home) as (_, server):
            headers = {"authorization": f"Bearer {key}", "idempotency-key": "one"}
            added = httpx.post(f"{server}/v1/users", json={"reference": "a"}, headers=headers)
            assert added.status_code == 201
    spans = [
        span
        for one in sent
        for resource in one.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert {"POST /v1/users", "flow organization.add_user", "store write"} <= {
        span.name for span in spans
    }
    note_output("traces", "\n".join(str(one) for one in sent))
    assert key not in "".join(str(one) for one in sent)


def test_traces_without_an_address_are_one_sentence(home: Path) -> None:
    """Before anything listens."""
    configure(home, traces_url="collector")
    failed = process("serve", "--home", home, "--port", 0, "--json")
    assert (failed.code, failed.error) == (1, "malformed_config")
    assert "traces_url" in failed.err
