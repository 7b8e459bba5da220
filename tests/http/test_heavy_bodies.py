"""Bodies that are within every limit, and made to be slow to read."""

from __future__ import annotations

from valetkey.http.incoming import first_twice


class Counted(str):
    """A name that counts how often it is compared with another."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_a_name_that_stands_twice_is_found_without_comparing_all_with_all() -> None:
    """The attack: thousands of names in one object, and the last one twice, held the server up."""
    names = [Counted(f"{number:05}") for number in range(8000)]
    assert first_twice(names) is None
    assert first_twice([*names, Counted("07999"), Counted("00000")]) == "07999"
    assert Counted.compared < len(names)
