"""Hex, addresses, amounts and pages as they stand on the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.core.errors import Code, Malformed
from valetkey.wire.base import (
    asset_name,
    hexed,
    page_of,
    read_address,
    read_amount,
    read_asset,
    read_bytes,
    read_text,
)

# EIP-55, the examples of the standard
CHECKSUMMED = (
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
)


@given(st.binary(max_size=100))
def test_hex_is_read_as_it_was_written(data: bytes) -> None:
    """Bytes are 0x and lower-case hex; capital digits are read too."""
    assert read_bytes(hexed(data), "x") == data
    assert read_bytes("0x" + data.hex().upper(), "x", count=len(data)) == data


@pytest.mark.parametrize(
    "text", ["", "0", "ab", "0X00", "0x0", "0xg0", "0x 0", "0x00 ", "0x\u0660\u0660"]
)
def test_what_is_no_hex_is_refused(text: str) -> None:
    """The error names the place, what was expected and what came."""
    with pytest.raises(Malformed, match=r"the\.place: expected 0x and hex digits, got "):
        read_bytes(text, "the.place")


def test_a_long_text_is_not_repeated_in_full() -> None:
    """An error is shorter than what caused it, and shows no whole secret."""
    with pytest.raises(Malformed) as caught:
        read_bytes("0x" + "ab" * 500 + "g", "x")
    assert len(caught.value.detail) < 100


@pytest.mark.parametrize("text", CHECKSUMMED)
def test_an_address_is_read_in_lower_upper_and_checksummed_case(text: str) -> None:
    """EIP-55; a mixture that is no checksum is a mistyped address."""
    address = bytes.fromhex(text[2:])
    assert read_address(text, "to") == address
    assert read_address(text.lower(), "to") == address
    assert read_address("0x" + text[2:].upper(), "to") == address
    with pytest.raises(Malformed, match="checksum"):
        read_address(text.swapcase().replace("0X", "0x"), "to")


@given(st.integers(min_value=0, max_value=2**256 - 1))
def test_an_amount_is_read_as_it_was_written(amount: int) -> None:
    """Amounts are decimal text, for JSON numbers lose digits."""
    assert read_amount(str(amount), "x") == amount


@pytest.mark.parametrize(
    "text",
    ["", "-1", "+1", "01", "1.0", "1e3", "0x1", " 1", "1_0", "\u0663", "1" * 79, str(2**256)],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    """One number has one writing."""
    with pytest.raises(Malformed) as caught:
        read_amount(text, "limit", code=Code.MALFORMED_CALL)
    assert caught.value.code is Code.MALFORMED_CALL


def test_an_asset_is_native_or_a_token() -> None:
    """The chain's own coin has no address."""
    assert read_asset("native", "asset") is None
    assert asset_name(None) == "native"
    token = bytes(range(20))
    assert read_asset(asset_name(token), "asset") == token


@pytest.mark.parametrize("text", ["\n", "a\x1b[2J", "\u202e", "\u200b", "\x7f", "\ud800"])
def test_a_text_that_does_more_than_show_itself_is_refused(text: str) -> None:
    """Labels are shown in terminals and consent pages."""
    with pytest.raises(Malformed):
        read_text(text, "label")
    assert read_text("Märchen №1", "label") == "Märchen №1"


def test_only_a_full_page_has_another_one() -> None:
    """The last page says that it is the last, unless it is exactly full."""
    assert page_of([1, 2], limit=2, last_id="b").next == "b"
    assert page_of([1], limit=2, last_id="a").next is None
    assert page_of([], limit=2, last_id=None).next is None
