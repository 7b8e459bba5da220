"""Options that several commands have, and what their values mean."""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import click

from valetkey.client import Owner, Valetkey
from valetkey.core.errors import Malformed
from valetkey.core.units import DAY_S, HOUR_S, MINUTE_S
from valetkey.wire.base import read_address

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_HOME: Final = "~/.valetkey"
DEFAULT_URL: Final = "http://127.0.0.1:8080"
MAX_KEY_BYTES: Final = 256

_SPAN: Final = re.compile(r"([1-9][0-9]{0,9})(s|m|h|d)?")
_UNITS: Final[dict[str | None, int]] = {None: 1, "s": 1, "m": MINUTE_S, "h": HOUR_S, "d": DAY_S}


def home_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--home``: the folder of a server, as a `Path`."""
    return click.option(
        "--home",
        envvar="VALETKEY_HOME",
        show_envvar=True,
        default=DEFAULT_HOME,
        show_default=True,
        metavar="DIR",
        callback=lambda _ctx, _param, value: Path(value).expanduser(),
        help="Folder of the server's configuration, store and keys.",
    )(function)


def read_span(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """
    Return the seconds of a time such as ``90s``, ``15m``, ``1h`` or ``7d``.

    Raises:
        BadParameter: It is none.
    """
    if value is None:
        return None
    found = _SPAN.fullmatch(value)
    if found is None:
        raise click.BadParameter(f"expected a time such as 90s, 15m, 1h or 7d, got {value!r}")
    return int(found[1]) * _UNITS[found[2]]


def read_one_address(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> bytes | None:
    """
    Return the 20 bytes of an address in hex; mixed case must be its checksum.

    Raises:
        BadParameter: It is none.
    """
    return None if value is None else address_of_text(value)


def read_addresses(
    _ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]
) -> tuple[bytes, ...]:
    """Return the 20 bytes of each address (see `read_one_address`)."""
    return tuple(address_of_text(one) for one in value)


def read_names(
    _ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]
) -> dict[bytes, str]:
    """
    Return names by address, from ``0x…=USDC``.

    Raises:
        BadParameter: One is not an address, ``=`` and a name.
    """
    names: dict[bytes, str] = {}
    for one in value:
        address, _, name = one.partition("=")
        if not name or not name.isprintable():
            raise click.BadParameter(f"expected an address, = and a name, got {one!r}")
        names[address_of_text(address)] = name
    return names


def address_of_text(text: str) -> bytes:
    """Return the 20 bytes, or say that the command was used wrongly (`BadParameter`)."""
    try:
        return read_address(text, "address")
    except Malformed as error:
        raise click.BadParameter(error.detail) from None


def server_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--url`` and ``--api-key``: which server it speaks to, and as whom."""
    url = click.option(
        "--url",
        envvar="VALETKEY_URL",
        show_envvar=True,
        default=DEFAULT_URL,
        show_default=True,
        help="Of the server.",
    )
    key = click.option(
        "--api-key",
        envvar="VALETKEY_API_KEY",
        show_envvar=True,
        help="A secret key; better in the environment, where other users do not see it.",
    )
    return url(key(function))


def talk_to(url: str, api_key: str | None) -> Valetkey:
    """
    Return a client of the server at *url*, to be closed by ``with``.

    Raises:
        UsageError: There is no key.
    """
    if not api_key:
        raise click.UsageError("give --api-key or set VALETKEY_API_KEY")
    return Valetkey(url, api_key=api_key)


def read_owner(
    _ctx: click.Context, _param: click.Parameter, value: IO[bytes] | None
) -> Owner | None:
    """
    Return the owner whose private key is in a file.

    Raises:
        BadParameter: It is no private key; nothing of it is repeated.
    """
    if value is None:
        return None
    with value:
        text = value.read(MAX_KEY_BYTES).decode("ascii", "replace").strip()
    try:
        return Owner.from_key(text)
    except Malformed as error:
        raise click.BadParameter(error.detail) from None


owner_option = click.option(
    "--owner-key-file",
    "owner",
    type=click.File("rb"),
    callback=read_owner,
    help="File with the owner's private key in hex; it is used here and sent nowhere.",
)
