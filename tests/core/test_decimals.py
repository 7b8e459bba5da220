"""What people read of a cap is what its token counts in."""

from __future__ import annotations

import pytest

from tests.core.examples import TOKEN, permission_with
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.decimals import capped_tokens, check_decimals
from valetkey.core.permission.finding import LintRule, Severity
from valetkey.core.permission.model import Cap

OTHER = b"\x0e" * 20
CAPS = (Cap(None, 18, lifetime=1), Cap(OTHER, 18, lifetime=1), Cap(TOKEN, 6, lifetime=1))
PERMISSION = permission_with(caps=CAPS)


def test_only_tokens_are_asked() -> None:
    """The chain's own coin is no contract."""
    assert capped_tokens(PERMISSION) == (OTHER, TOKEN)


def test_what_agrees_is_no_finding() -> None:
    """Nor is a permission without caps."""
    assert check_decimals(PERMISSION, {OTHER: 18, TOKEN: 6}) == ()
    assert check_decimals(permission_with(caps=()), {}) == ()


@pytest.mark.parametrize("says", [0, 5, 7, 18, 255])
def test_a_cap_in_other_units_than_its_token_is_refused(says: int) -> None:
    """20.00 in the owner's eyes is not 20 trillion; the refusal names cap, token and both."""
    with pytest.raises(Malformed) as refused:
        check_decimals(PERMISSION, {OTHER: 18, TOKEN: says})
    assert refused.value.code is Code.MALFORMED_PERMISSION
    assert refused.value.facts["caveat"] == "caps[2].decimals"
    for part in (f"expected {says},", f"0x{TOKEN.hex()}", "got 6"):
        assert part in refused.value.detail


def test_a_token_that_does_not_say_is_a_finding() -> None:
    """It may be no token at all."""
    (found,) = check_decimals(PERMISSION, {OTHER: None, TOKEN: 6})
    assert (found.rule, found.severity) == (LintRule.DECIMALS_UNKNOWN, Severity.WARNING)
    assert found.place == "caps[1].decimals"
    assert f"0x{OTHER.hex()}" in found.detail
