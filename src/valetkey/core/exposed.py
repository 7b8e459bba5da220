"""Who is exposed to a key, a contract, a token, a recipient or a relayer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.permission.towards import Toward, Towards, Way, towards
from valetkey.core.permission.worst_case import WorstCase, worst_case
from valetkey.core.wallet import Curve, address_of

if TYPE_CHECKING:
    from valetkey.core.session import Session
    from valetkey.core.wallet import PublicKey

_NOTHING: Final = WorstCase(bounds=(), others=())


@dataclass(frozen=True, slots=True)
class Subject:
    """
    What is asked about.

    Args:
        data: An address of 20 bytes; None is the native coin. Of a key it is the public key as it
            is kept (`PublicKey`), or the address of one on secp256k1.
    """

    toward: Toward
    data: bytes | None


def exposed(session: Session, subject: Subject) -> Towards | None:
    """
    Return how *session* is exposed to *subject*, or None if it is not.

    Its state is not looked at, nor what it has used already.
    """
    permission = session.permission
    if subject.toward is Toward.KEY:
        places = _places_of(session, subject.data or b"")
        worst = _NOTHING if permission is None else worst_case(permission)
        return Towards(places, worst) if places else None
    return None if permission is None else towards(permission, subject.toward, subject.data)


def _places_of(session: Session, key: bytes) -> tuple[Way, ...]:
    ways = []
    if session.key is not None and key in _names_of(session.key):
        ways.append(Way("key", "signs requests as the session"))
    if session.grant is not None and session.grant.session_key == key:
        ways.append(Way("grant.session_key", "signs runs that the account takes"))
    return tuple(ways)


def _names_of(key: PublicKey) -> tuple[bytes, ...]:
    if key.curve is Curve.SECP256K1:
        return key.data, address_of(key)
    return (key.data,)
