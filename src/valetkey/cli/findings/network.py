"""Where the server listens: free, or its own already; and the signer that it asks."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

import httpx

from valetkey.cli.findings.finding import Finding
from valetkey.core.errors import ValetkeyError
from valetkey.core.ids import Prefix
from valetkey.http import metrics_page
from valetkey.http.bounded import listen
from valetkey.wire.base import hexed
from valetkey.wiring.signing import expect_signer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from valetkey.cli.findings.finding import Known

_WAIT_S: Final = 3.0
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a host may be set to


async def port(known: Known) -> Finding:
    """Say whether the server can listen where it is to, or does so already."""
    host, number = known.config.host, known.config.port
    try:
        listen(host, number).close()
    except ValetkeyError as error:
        if os.strerror(errno.EADDRINUSE) in error.detail:
            return await _who_listens(known, error.detail)
        return Finding("port", error.detail, "name an address of this machine, in host")
    return Finding("port", f"{host}:{number} is free" if number else "a free one is taken")


async def _who_listens(known: Known, problem: str) -> Finding:
    url = _url_of(known.config.host)
    todo = "stop what listens there, or set another port"
    try:
        async with httpx.AsyncClient(timeout=_WAIT_S, trust_env=False) as client:
            answer = await client.get(f"{url}:{known.config.port}/v1/server")
        told = answer.json()
        version, chains = told["version"], told["chains"]
        relayers = {one["relayer"] for one in chains}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        return Finding("port", problem, todo)
    ours = known.payers.get("relayer")
    if relayers and ours and relayers != {hexed(ours)}:
        said = f"{problem}: a valetkey with another store listens there"
        return Finding("port", said, todo)
    return Finding("port", f"valetkey {str(version)[:20]} listens there")


def _url_of(host: str) -> str:
    reached = _ANYWHERE.get(host, host)
    return f"http://[{reached}]" if ":" in reached else f"http://{reached}"


async def dialect_ports(known: Known) -> AsyncIterator[Finding]:
    """Say, of each wire format with sockets of its own, whether they can be had."""
    for name, dialect in known.config.dialects.items():
        for number in dialect.ports:
            yield await _dialect_port(known.config.host, name, number)


async def _dialect_port(host: str, name: str, number: int) -> Finding:
    what = f"{name} port"
    try:
        listen(host, number).close()
    except ValetkeyError as error:
        if await _speaks(host, number):
            return Finding(what, f"a valetkey speaks on {host}:{number}")
        todo = f"stop what listens there, or set other ports in [dialects.{name}]"
        return Finding(what, error.detail, todo)
    return Finding(what, f"{host}:{number} is free" if number else "a free one is taken")


async def _speaks(host: str, number: int) -> bool:
    """Say whether what listens there says what ours says on every socket, of each request."""
    try:
        async with httpx.AsyncClient(timeout=_WAIT_S, trust_env=False) as client:
            answer = await client.get(f"{_url_of(host)}:{number}/")
    except (httpx.HTTPError, httpx.InvalidURL):
        return False
    said: str = answer.headers.get("x-request-id", "")
    return said.startswith(f"{Prefix.REQUEST.value}_")


async def signer(known: Known) -> Finding:
    """Say whether the process of another user that joins shares takes connections."""
    try:
        await expect_signer(known.folder, known.config)
    except ValetkeyError as error:
        todo = "start valetkey signer as its user, with that --socket, or let this user reach it"
        return Finding("signer", error.detail, todo)
    return Finding("signer", f"listens on {known.folder / known.config.signer_socket}")


def metrics_port(number: int) -> Finding:
    """Say whether metrics can be shown where they are to be."""
    try:
        listen(metrics_page.HOST, number).close()
    except ValetkeyError as error:
        try:
            page = httpx.get(
                f"http://{metrics_page.HOST}:{number}{metrics_page.PATH}",
                timeout=_WAIT_S,
                trust_env=False,
            )
        except httpx.HTTPError:
            page = httpx.Response(503)
        if "valetkey_build_info" in page.text:
            return Finding("metrics port", f"valetkey shows its metrics at port {number}")
        return Finding("metrics port", error.detail, "stop what listens there, or set another")
    return Finding("metrics port", f"{metrics_page.HOST}:{number} is free")
