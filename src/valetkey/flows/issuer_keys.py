"""The keys of those who vouch for users: as they were given, or looked up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed, Unavailable
from valetkey.core.identity import keys_for, read_issuer_keys
from valetkey.core.units import DAY_S

if TYPE_CHECKING:
    from valetkey.core.identity import IdentityProvider, IdToken, Keys
    from valetkey.ports import Outbound

LIVE_S: Final = 3600  # keys that were looked up are looked up again after this
LAST_S: Final = DAY_S  # and are good for so long if nobody answers
AGAIN_S: Final = 30  # a key that is not there is looked for no sooner
KEPT: Final = 256  # sets of keys that one process knows
_OK: Final = 200


@dataclass(slots=True)
class _Found:
    keys: Keys = ()
    found_at: int = 0
    asked_at: int = 0
    asking: asyncio.Task[None] | None = None


@dataclass(slots=True)
class Issuers:
    """What one process knows of keys that were looked up, by whose they are and where."""

    _found: dict[str, _Found] = field(default_factory=dict)

    async def keys_of(
        self, outbound: Outbound, provider: IdentityProvider, token: IdToken, *, now: int
    ) -> Keys:
        """
        Return the keys of *provider*, looked up if those that are known are old or not *token*'s.

        Whoever comes while they are looked up waits for the same answer. A token that names no key
        that there is has them looked up no more often than every half minute.

        Raises:
            Unavailable: ``issuer_unavailable``: none are known, and nobody gives them.
        """
        if provider.keys:
            return read_issuer_keys(provider.keys)
        found = self._room(f"{provider.id} {provider.keys_url}")
        is_old = now >= found.found_at + LIVE_S or not keys_for(found.keys, token)
        if found.asking is None and is_old and now >= found.asked_at + AGAIN_S:
            found.asked_at = now
            looking = _look_up(outbound, provider.keys_url, found, now=now)
            found.asking = asyncio.ensure_future(looking)
        if found.asking is not None and is_old:
            await asyncio.shield(found.asking)
        if not found.keys or now >= found.found_at + LAST_S:
            detail = f"the keys of {provider.name} could not be looked up"
            raise Unavailable(Code.ISSUER_UNAVAILABLE, f"{detail}; try again in {AGAIN_S} s")
        return found.keys

    def _room(self, name: str) -> _Found:
        found = self._found.pop(name, None) or _Found()
        self._found[name] = found  # the one that was used last stands last
        while len(self._found) > KEPT:
            self._found.pop(next(iter(self._found)))
        return found


async def _look_up(outbound: Outbound, url: str, found: _Found, *, now: int) -> None:
    try:
        got = await outbound.fetch(url)
        if got.status == _OK:
            found.keys, found.found_at = read_issuer_keys(got.body.decode()), now
    except (Malformed, UnicodeDecodeError):
        return  # what is known stays
    finally:
        found.asking = None
