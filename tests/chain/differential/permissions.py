"""Permissions that are well formed and compile. Faster than hypothesis by two orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.chain.differential.case import CAST, CHAIN, RELAYERS
from tests.core.strategies import UNKNOWN
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.model import (
    ANYTHING,
    Anything,
    Cap,
    Constraint,
    Operator,
    Permission,
    Rule,
    WideRule,
    Window,
)
from valetkey.core.units import UINT32_MAX, UINT40_MAX, UINT128_MAX, UINT256_MAX

if TYPE_CHECKING:
    from tests.chain.differential.dice import Dice

WORDS: Final = 4  # arguments of a whole call
_AGES_S: Final = (0, 0, 1, 59, 60, 61, 99, 100, 3599, 3600, 86_400, 10_000_000)
_REST_S: Final = (1, 1, 2, 60, 3600, 10_000_000)
_WINDOWS_S: Final = (60, 60, 61, 100, 3600, 86_400, UINT32_MAX)
_PLACES: Final = (*CAST.contracts, *CAST.tokens, *CAST.people)
_Key = tuple[bytes, bytes | None]


def draw_permission(dice: Dice, now: int, *, wide: bool = False) -> Permission:
    """Return a permission that is open at *now* and that `check_permission` accepts."""
    recipients = ANYTHING if wide else _recipients(dice)
    caps = _caps(dice)
    native = next((cap for cap in caps if cap.asset is None), None)
    pays = native is not None and (native.lifetime, native.window) != (None, None)
    payees = _payees(recipients) if pays else ()
    keys = dice.some(_keys(dice, recipients, caps, payees), 1, dice.one((1, 2, 3, 6, 12)))
    is_wide = isinstance(recipients, Anything) and (wide or dice.chance(0.5))
    starts_at = max(now - dice.one(_AGES_S), 0)
    return Permission(
        chain=CHAIN,
        rules=tuple(_rule(dice, key, payees, caps) for key in keys),
        caps=caps,
        starts_at=starts_at,
        expires_at=min(dice.one((now + dice.one(_REST_S), UINT40_MAX)), UINT40_MAX),
        recipients=recipients,
        max_calls=dice.one((None, None, dice.between(1, 12), UINT32_MAX - 1)),
        relayer=dice.one((None, None, *RELAYERS[:1])),
        wide_rules=_wide_rules(dice, caps, keys, pays=pays) if is_wide else (),
    )


def _wide_rules(
    dice: Dice, caps: tuple[Cap, ...], keys: list[_Key], *, pays: bool
) -> tuple[WideRule, ...]:
    capped = {cap.asset for cap in caps}
    targets = sorted(place for place in _PLACES if place not in capped)
    wide = [WideRule(target, payable=pays and dice.chance(0.5)) for target in targets]
    wide = sorted(dice.some(wide, 0, 2), key=lambda rule: rule.key)
    if dice.chance(0.6) and capped <= {None, *(target for target, _ in keys)}:
        wide.append(WideRule(ANYTHING, payable=pays and dice.chance(0.5)))
    return tuple(wide)


def _recipients(dice: Dice) -> tuple[bytes, ...] | Anything:
    if dice.chance(0.5):
        return ANYTHING
    return tuple(sorted(dice.some((*CAST.people, CAST.tokens[0]), 1, dice.one((1, 2, 7)))))


def _payees(recipients: tuple[bytes, ...] | Anything) -> tuple[bytes, ...]:
    if isinstance(recipients, Anything):
        return (*CAST.people, *CAST.contracts, *CAST.tokens)
    return recipients


def _keys(
    dice: Dice,
    recipients: tuple[bytes, ...] | Anything,
    caps: tuple[Cap, ...],
    payees: tuple[bytes, ...],
) -> list[_Key]:
    keys: list[_Key] = [(token, selector) for token in CAST.tokens for selector in EFFECTS]
    keys += [(payee, None) for payee in payees]
    if isinstance(recipients, Anything) and dice.chance(0.5):
        capped = {cap.asset for cap in caps}
        places = [place for place in (*CAST.contracts, *CAST.tokens) if place not in capped]
        keys += [(place, selector) for place in places for selector in UNKNOWN]
    return keys


def _caps(dice: Dice) -> tuple[Cap, ...]:
    assets = dice.some((None, *CAST.tokens), 0, dice.one((1, 2, 4)))
    return tuple(_cap(dice, asset) for asset in assets)


def _cap(dice: Dice, asset: bytes | None) -> Cap:
    kinds = dice.one(("c", "l", "w", "l", "w", "cl", "cw", "lw", "clw"))
    return Cap(
        asset=asset,
        decimals=18 if asset is None else 6,
        per_call=dice.limit() if "c" in kinds else None,
        lifetime=dice.limit() if "l" in kinds else None,
        window=Window(dice.limit(), dice.one(_WINDOWS_S)) if "w" in kinds else None,
    )


def _rule(dice: Dice, key: _Key, payees: tuple[bytes, ...], caps: tuple[Cap, ...]) -> Rule:
    target, selector = key
    if selector is None:
        return Rule(target, None)
    count = dice.one((0, 0, 0, 1, 1, 2, 4))
    return Rule(
        target,
        selector,
        payable=target in payees and dice.chance(0.4),
        where=tuple(_constraint(dice, _counted(key, caps)) for _ in range(count)),
    )


def _counted(key: _Key, caps: tuple[Cap, ...]) -> int | None:
    """Return the argument that a cap counts, if one does."""
    effect = EFFECTS.get(key[1] or b"")
    is_counted = any(
        cap.asset == key[0] and (cap.lifetime, cap.window) != (None, None) for cap in caps
    )
    return effect.amount if effect is not None and is_counted else None


def _constraint(dice: Dice, counted: int | None) -> Constraint:
    argument = dice.one((0, 1, 1, 2, 3, 3))
    operator = Operator.AT_MOST if argument == counted else dice.one(tuple(Operator))
    count = dice.one((1, 2, 5)) if operator is Operator.ONE_OF else 1
    return Constraint(argument, operator, tuple(sorted({word(dice) for _ in range(count)})))


def word(dice: Dice) -> int:
    """Return one argument: an amount, somebody's address, or bits that neither has."""
    person = int.from_bytes(dice.one(CAST.people))
    dirty = 1 << 160 | person
    odd = dice.one((UINT128_MAX + 1, UINT256_MAX, dirty, dice.bits(256), dice.bits(256) >> 97))
    return dice.one((person, person, dice.amount(), dice.amount(), dice.amount(), odd))
