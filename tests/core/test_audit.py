"""The audit log: whatever is done to it afterwards is found."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.core.audit import (
    GENESIS,
    AuditHead,
    AuditLine,
    Break,
    audit_id,
    first_head,
    next_line,
    verify,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ORGANIZATION = "org_1"


def written(count: int, *, organization_id: str = ORGANIZATION) -> list[AuditLine]:
    """Return a log of so many lines."""
    head = first_head(organization_id)
    lines: list[AuditLine] = []
    for number in range(count):
        line = next_line(
            head,
            at=1_700_000_000 + number,
            event="session:opened",
            subject_id=f"ses_{number}",
            principal_id="crd_1",
            state="open",
        )
        lines.append(line)
        head = head_of(line)
    return lines


def head_of(line: AuditLine) -> AuditHead:
    """Return the head at *line*, as it is kept outside the store."""
    return AuditHead(line.organization_id, line.seq, line.hash)


LOG = written(5)
HEAD = head_of(LOG[-1])


def test_a_log_as_it_was_written_is_whole() -> None:
    """Also against an older head, and when there is nothing yet."""
    assert verify(LOG, head=HEAD) is None
    for line in LOG:
        assert verify(LOG, head=head_of(line)) is None
    assert verify(LOG, head=first_head(ORGANIZATION)) is None
    assert verify([], head=first_head(ORGANIZATION)) is None


def test_a_line_is_tied_to_the_one_before() -> None:
    """From the first one on, which follows 32 zero bytes."""
    assert LOG[0].previous == GENESIS
    assert [line.previous for line in LOG[1:]] == [line.hash for line in LOG[:-1]]
    assert [line.seq for line in LOG] == [1, 2, 3, 4, 5]
    assert LOG[0].id == audit_id(ORGANIZATION, 1) == "org_1/000000000001"
    assert sorted(LOG, key=lambda line: line.id) == LOG


BROKEN: list[tuple[str, Callable[[], list[AuditLine]], AuditHead, Break]] = [
    (
        "a changed line",
        lambda: [*LOG[:2], replace(LOG[2], event="session:closed"), *LOG[3:]],
        HEAD,
        Break(3, "it was changed after it was written"),
    ),
    (
        "a missing line",
        lambda: [*LOG[:2], *LOG[3:]],
        HEAD,
        Break(3, "a line is missing or moved; 4 came next"),
    ),
    (
        "two lines in the other order",
        lambda: [LOG[0], LOG[2], LOG[1], *LOG[3:]],
        HEAD,
        Break(2, "a line is missing or moved; 3 came next"),
    ),
    (
        "the first line gone",
        lambda: LOG[1:],
        HEAD,
        Break(1, "a line is missing or moved; 2 came next"),
    ),
    (
        "the end cut off",
        lambda: LOG[:3],
        HEAD,
        Break(4, "the log was cut; the signed head is at line 5"),
    ),
    (
        "everything gone",
        list,
        HEAD,
        Break(1, "the log was cut; the signed head is at line 5"),
    ),
    (
        "another log",
        lambda: [
            next_line(first_head(ORGANIZATION), at=1, event="a:b", subject_id="", principal_id="")
        ],
        head_of(LOG[0]),
        Break(1, "the signed head says another hash"),
    ),
    (
        "a head of nothing that is none",
        lambda: LOG,
        AuditHead(ORGANIZATION, 0, b"\x01" * 32),
        Break(0, "the signed head says another hash"),
    ),
    (
        "a line spliced in from another log",
        lambda: [LOG[0], replace(LOG[1], previous=b"\x01" * 32), *LOG[2:]],
        HEAD,
        Break(2, "it does not follow the line before it"),
    ),
    (
        "the log of another organization",
        lambda: written(2, organization_id="org_2"),
        first_head(ORGANIZATION),
        Break(1, "it is not a line of org_1"),
    ),
]


@pytest.mark.parametrize(("what", "lines", "head", "found"), BROKEN, ids=[row[0] for row in BROKEN])
def test_what_was_done_to_a_log_is_found_where_it_was_done(
    what: str, lines: Callable[[], list[AuditLine]], head: AuditHead, found: Break
) -> None:
    """The first line that is wrong, and how."""
    assert verify(lines(), head=head) == found, what


def test_a_log_that_was_written_anew_from_some_line_on_contradicts_the_head() -> None:
    """Whoever holds the store can rehash every line; the head outside it is what they cannot."""
    forged = LOG[:2]
    for line in LOG[2:]:
        head = head_of(forged[-1])
        forged.append(next_line(head, at=line.at, event="a:b", subject_id="", principal_id="crd_1"))
    assert verify(forged, head=head_of(forged[-1])) is None
    assert verify(forged, head=HEAD) == Break(5, "the signed head says another hash")


@pytest.mark.parametrize("line", [replace(LOG[0], at=2**60), replace(LOG[0], subject_id="\ud800")])
def test_what_could_never_have_been_written_is_found_too(line: AuditLine) -> None:
    """Verifying a forged log ends with an answer, not with an error."""
    found = verify([line, *LOG[1:]], head=HEAD)
    assert found == Break(1, "it was changed after it was written")


MUTABLE = [field.name for field in fields(AuditLine)]


@given(st.data())
def test_any_single_mutation_is_found(data: st.DataObject) -> None:
    """Each field of each line, each line, each place."""
    lines = list(LOG)
    at = data.draw(st.integers(0, len(lines) - 1))
    kind = data.draw(st.sampled_from(["change", "drop", "repeat", "move", "cut"]))
    if kind == "change":
        name = data.draw(st.sampled_from(MUTABLE))
        other: Any = data.draw(_other(getattr(lines[at], name)))
        lines[at] = replace(lines[at], **{name: other})
    elif kind == "drop":
        del lines[at]
    elif kind == "repeat":
        lines.insert(data.draw(st.integers(0, len(lines))), lines[at])
    elif kind == "move":
        to = data.draw(st.integers(0, len(lines) - 1).filter(lambda place: place != at))
        lines.insert(to, lines.pop(at))
    else:
        del lines[at:]
    assert verify(lines, head=HEAD) is not None


def _other(value: object) -> st.SearchStrategy[object]:
    drawn: st.SearchStrategy[object]
    if isinstance(value, int):
        drawn = st.integers(0, 2**40)
    elif isinstance(value, bytes):
        drawn = st.binary(max_size=33)
    elif isinstance(value, str):
        drawn = st.text(max_size=30)
    else:
        drawn = st.dictionaries(st.sampled_from(["state", "code", "a"]), st.text(max_size=5))
    return drawn.filter(lambda other: other != value)
