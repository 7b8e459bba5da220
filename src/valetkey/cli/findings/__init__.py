"""What `valetkey doctor` looks at, one finding for each thing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from valetkey.cli.findings import chains, files, network, store
from valetkey.cli.findings.finding import Finding, Known
from valetkey.config import read_config
from valetkey.core.errors import ValetkeyError
from valetkey.core.origins import Origins
from valetkey.http.settings import Settings
from valetkey.telemetry.exported import spans_to

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from valetkey.config import Config

__all__ = ["Finding", "examine"]


async def examine(folder: Path) -> AsyncIterator[Finding]:
    """Yield one finding after the other; one that others need comes before them."""
    try:
        config = read_config(folder, os.environ)
        _expect_usable(config)
    except ValetkeyError as error:
        yield Finding("configuration", error.detail, "run valetkey init, or mend the file")
        return
    yield Finding("configuration", f"{folder} is well formed")
    known = Known(folder, config)
    yield files.key(known)
    yield files.modes(known)
    yield await store.store(known)
    yield await store.vault(known)
    if known.keys:
        yield store.sessions(known)
    if known.is_whole:
        yield await store.audit(known)
    yield files.disk(known)
    yield await network.port(known)
    async for finding in _dialects(known):
        yield finding
    if config.signer_socket:
        yield await network.signer(known)
    if config.metrics_port:
        yield network.metrics_port(config.metrics_port)
    if not config.chains:
        yield Finding("chains", "none is configured", "name one in valetkey.toml, under [chains]")
    for name, one in config.chains.items():
        async for finding in chains.chain(known, name, one):
            yield finding


async def _dialects(known: Known) -> AsyncIterator[Finding]:
    async for finding in network.dialect_ports(known):
        yield finding
    if "openfort" in known.config.dialects:
        yield chains.openfort_accounts(known)


def _expect_usable(config: Config) -> None:
    """Raise what `valetkey serve` would, for what reading alone does not find."""
    Settings(public_url=config.public_url).origin()
    Origins(config.origins)
    _, end = spans_to(config.traces_url)
    end()
