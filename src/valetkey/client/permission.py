"""
Permissions as people write them.

    from valetkey import permission

    draft = permission.erc20_transfers(
        "0x5fbdb2315678afecb367f032d93f642f64180aa3",
        decimals=6,
        to=["0x70997970c51812dc3a010c7d01b50e0d17dc79c8"],
        lifetime="20",
        expires_in=3600,
    )

An amount in text is in whole units, an integer in the smallest. What is not allowed is refused; an
empty list allows nothing, and "everybody" is `ANYTHING`, spelled out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from valetkey.client.rules import (
    PerWindow,
    at_most,
    equals,
    function,
    native_cap,
    one_of,
    payment,
    token_cap,
)
from valetkey.client.values import read_address
from valetkey.client.wide import (
    any_call,
    any_function,
    field_at_most,
    field_equals,
    field_one_of,
    message,
    typed_data,
)
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.backtest import Recorded
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.model import ANYTHING, Anything, MessageTemplate, Permission, Rate
from valetkey.core.permission.propose import Slack
from valetkey.wire.recording import Recording, read_runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from os import PathLike

    from valetkey.client.values import Address, Amount
    from valetkey.core.permission.model import Cap, Rule, TypedDataTemplate, WideRule

__all__ = [
    "ANYTHING",
    "Draft",
    "PerWindow",
    "Recorded",
    "Slack",
    "any_call",
    "any_function",
    "at_most",
    "build",
    "equals",
    "erc20_transfers",
    "field_at_most",
    "field_equals",
    "field_one_of",
    "function",
    "load_recording",
    "message",
    "native_cap",
    "native_payments",
    "one_of",
    "payment",
    "token_cap",
    "typed_data",
]

EARLY_S = 15
_TRANSFER = "transfer(address,uint256)"
_CODE = Code.MALFORMED_PERMISSION


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A permission that does not know its chain yet, and by default starts when it is opened.

    Args:
        expires_in: Seconds from the start to the first invalid second.
        starts_at: First valid second; None is 15 s before the opening, for a chain judges by the
            time of a block that may be that old.
    """

    rules: tuple[Rule, ...]
    caps: tuple[Cap, ...]
    recipients: tuple[bytes, ...] | Anything
    expires_in: int
    max_calls: int | None = None
    starts_at: int | None = None
    relayer: bytes | None = None
    fee_budget_wei: int | None = None
    wide_rules: tuple[WideRule, ...] = ()
    rate: Rate | None = None
    messages: tuple[MessageTemplate, ...] = ()
    typed_data: tuple[TypedDataTemplate, ...] = ()
    scopes: tuple[str, ...] = ()

    def starting(self, at: int) -> Draft:
        """Return the same with *at* as its first valid second."""
        return replace(self, starts_at=at)

    def bound_to(self, relayer: Address, *, fee_budget_wei: int | None = None) -> Draft:
        """
        Return the same, but only *relayer* may bring its runs to the chain.

        Args:
            fee_budget_wei: The most that the sponsor pays for the session.
        """
        address = read_address(relayer, where="relayer", code=_CODE)
        return replace(self, relayer=address, fee_budget_wei=fee_budget_wei)

    def and_wide(self, *rules: WideRule) -> Draft:
        """Return the same, and whatever `any_function` and `any_call` in *rules* say."""
        every = {*self.wide_rules, *rules}
        return replace(self, wide_rules=tuple(sorted(every, key=lambda rule: rule.key)))

    def at_a_rate(self, calls: int, *, window_s: int) -> Draft:
        """Return the same with at most *calls* in each window; the server alone counts them."""
        return replace(self, rate=Rate(calls, window_s))

    def and_signing(self, *templates: MessageTemplate | TypedDataTemplate) -> Draft:
        """Return the same, and what fits one of *templates* may be signed as the account."""
        texts = {*self.messages}
        typed = {*self.typed_data}
        for template in templates:
            if isinstance(template, MessageTemplate):
                texts.add(template)
            else:
                typed.add(template)
        return replace(
            self,
            messages=tuple(sorted(texts, key=lambda one: one.text)),
            typed_data=tuple(sorted(typed, key=lambda one: one.subject)),
        )

    def with_scopes(self, *names: str) -> Draft:
        """Return the same with these powers outside the chain."""
        return replace(self, scopes=tuple(sorted({*self.scopes, *names})))

    def on(self, chain: str, *, now: int) -> Permission:
        """
        Return the whole permission for *chain*.

        Args:
            chain: CAIP-2, such as ``eip155:1``.
            now: Unix seconds; the start is `EARLY_S` before, unless the draft names one.

        Raises:
            Malformed: It is not well formed; the detail names the place.
        """
        counted_from = now if self.starts_at is None else self.starts_at
        permission = Permission(
            chain=chain,
            rules=self.rules,
            caps=self.caps,
            starts_at=now - EARLY_S if self.starts_at is None else self.starts_at,
            expires_at=counted_from + self.expires_in,
            recipients=self.recipients,
            max_calls=self.max_calls,
            relayer=self.relayer,
            fee_budget_wei=self.fee_budget_wei,
            wide_rules=self.wide_rules,
            rate=self.rate,
            messages=self.messages,
            typed_data=self.typed_data,
            scopes=self.scopes,
        )
        return check_permission(permission)


def erc20_transfers(
    token: Address,
    *,
    decimals: int,
    to: Iterable[Address] | Anything,
    expires_in: int,
    lifetime: Amount | None = None,
    per_call: Amount | None = None,
    per_window: PerWindow | None = None,
    max_calls: int | None = None,
) -> Draft:
    """
    Allow ``transfer`` of one token to listed addresses, up to an amount.

    >>> erc20_transfers("0x…", decimals=6, to=["0x…"], lifetime="20", expires_in=3600)

    Args:
        decimals: Of the token; fixed in the permission.
        to: Who may be paid; `ANYTHING` is everybody.
        expires_in: Seconds.
        lifetime, per_call, per_window: At least one of them.

    Raises:
        Malformed: An address or amount is none.
    """
    cap = token_cap(
        token, decimals=decimals, lifetime=lifetime, per_call=per_call, per_window=per_window
    )
    rules = [function(token, _TRANSFER)]
    return build(rules, caps=[cap], to=to, expires_in=expires_in, max_calls=max_calls)


def native_payments(
    *,
    to: Sequence[Address],
    expires_in: int,
    lifetime: Amount | None = None,
    per_call: Amount | None = None,
    per_window: PerWindow | None = None,
    max_calls: int | None = None,
) -> Draft:
    """
    Allow payments of the chain's native coin to listed addresses, up to an amount.

    >>> native_payments(to=["0x…"], lifetime="0.1", expires_in=3600)

    Args:
        to: Who may be paid: a payment names its target, so there is no "everybody".
        expires_in: Seconds.
        lifetime, per_window: At least one of them.
    """
    cap = native_cap(lifetime=lifetime, per_call=per_call, per_window=per_window)
    rules = [payment(address) for address in to]
    return build(rules, caps=[cap], to=to, expires_in=expires_in, max_calls=max_calls)


def build(
    rules: Iterable[Rule],
    *,
    to: Iterable[Address] | Anything,
    expires_in: int,
    caps: Iterable[Cap] = (),
    max_calls: int | None = None,
) -> Draft:
    """
    Put rules and caps together.

    >>> build([function("0x…", "mint(uint256)", where=[at_most(0, 3)])], to=ANYTHING, expires_in=60)

    Args:
        to: Who may receive or be approved, whichever rule it is; `ANYTHING` is everybody.
        expires_in: Seconds.
    """
    recipients: tuple[bytes, ...] | Anything = ANYTHING
    if not isinstance(to, Anything):
        if isinstance(to, str | bytes):
            raise Malformed(_CODE, "to: expected a list of addresses, got one")
        read = {read_address(one, where=f"to[{i}]", code=_CODE) for i, one in enumerate(to)}
        recipients = tuple(sorted(read))
    return Draft(
        rules=tuple(rules),
        caps=tuple(caps),
        recipients=recipients,
        expires_in=expires_in,
        max_calls=max_calls,
    )


def load_recording(path: str | PathLike[str]) -> tuple[Recorded, ...]:
    """
    Return the runs in a file that ``valetkey record`` wrote.

    Raises:
        Malformed: It is no recording, or its runs are not in order of time.
    """
    try:
        recording = msgspec.json.decode(Path(path).read_bytes(), type=Recording)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(Code.MALFORMED_CALL, f"expected a recording, got {error}") from None
    return read_runs(recording.runs)
