"""Plain values: what they are by default, and that nobody changes them on the way."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from tests.core.examples import PERMISSION
from tests.core.sessions import SESSION, USAGE
from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.organization import Organization, User
from valetkey.core.principal import ANONYMOUS, Access, PrincipalKind

VALUES = [
    Organization(id="org_1", parent_id=None, name="", created_at=0),
    User(id="usr_1", organization_id="org_1", reference="", created_at=0),
    Credential(
        id="crd_1",
        organization_id="org_1",
        kind=CredentialKind.SECRET,
        label="",
        fingerprint="",
        public_key=None,
        created_at=0,
    ),
    ANONYMOUS,
    PERMISSION,
    SESSION,
    USAGE,
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_cannot_be_changed(value: Any) -> None:  # noqa: ANN401 - of many types
    """What was checked is what is used."""
    names = [one.name for one in fields(value)] if is_dataclass(value) else value._fields
    assert names
    for name in names:
        with pytest.raises(AttributeError):
            setattr(value, name, None)


def test_the_anonymous_may_only_read_and_belong_nowhere() -> None:
    """Whoever proves nothing has nothing."""
    assert (ANONYMOUS.kind, ANONYMOUS.access) == (PrincipalKind.ANONYMOUS, Access.READ)
    assert (ANONYMOUS.organization_id, ANONYMOUS.subject_id, ANONYMOUS.request_id) == ("", "", None)


def test_a_credential_is_valid_until_it_is_revoked() -> None:
    """There is no moment at which a new one is already over."""
    assert [value.revoked_at for value in VALUES if isinstance(value, Credential)] == [None]
