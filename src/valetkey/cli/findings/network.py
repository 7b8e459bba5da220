"""Where the server listens: free, or its own already."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

import httpx

from valetkey.cli.findings.finding import Finding
from valetkey.core.errors import ValetkeyError
from valetkey.http import metrics_page
from valetkey.http.bounded import listen
from valetkey.wire.base import hexed

if TYPE_CHECKING:
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
    host = _ANYWHERE.get(known.config.host, known.config.host)
    url = f"http://[{host}]" if ":" in host else f"http://{host}"
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
