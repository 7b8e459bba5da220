"""How gas is paid for in both generations of sponsorships: by the organization alone."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

from valetkey.core.errors import Code, Malformed

PAY: Final = "pay_for_user"
Schema = Literal["pay_for_user", "charge_custom_tokens", "fixed_rate"]


class Strategy(Struct, frozen=True, rename="camel"):
    """A strategy as it is asked for; only one of them is there."""

    sponsor_schema: Schema
    token_contract: str | None = None
    token_contract_amount: str | None = None
    depositor: str | None = None
    spl_tokens: list[str] | None = None


class Paid(Struct, frozen=True, kw_only=True, rename="camel"):
    """The strategy of every sponsorship, as it is answered."""

    sponsor_schema: Literal["pay_for_user"] = "pay_for_user"
    depositor: UnsetType | None = UNSET


def check_strategy(strategy: Strategy | None, **others: str | None) -> None:
    """
    Let pass what is really done: gas is paid in native tokens, out of the organization's fund.

    Args:
        others: More that a client may ask for to have it paid otherwise.

    Raises:
        Malformed: Something else is asked for.
    """
    if strategy is not None:
        if strategy.sponsor_schema != PAY:
            expected = f"{PAY}: this server charges no tokens for gas"
            raise refused("strategy.sponsorSchema", expected, strategy.sponsor_schema)
        for name in ("token_contract", "token_contract_amount", "spl_tokens", "depositor"):
            value = getattr(strategy, name)
            if value:
                head, *rest = name.split("_")
                field = f"strategy.{head}{''.join(one.title() for one in rest)}"
                raise refused(field, "none, for the organization's own fund pays", value)
    for field, text in others.items():
        if text:
            raise refused(field, "none, for the organization's own fund pays", text)


def refused(field: str, expected: str, got: object) -> Malformed:
    """Return the error that says what *field* should be."""
    came = "nothing" if got is None else repr(str(got)[:60])
    detail = f"{field}: expected {expected}, got {came}"
    return Malformed(Code.MALFORMED_BODY, detail, field=field)
