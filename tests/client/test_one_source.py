"""The synchronous client is the asynchronous one, written out."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import valetkey
from valetkey.client._async.acting import AsyncActing
from valetkey.client._async.openfort import AsyncTransactionIntents, AsyncVendorSessions
from valetkey.client._async.openings import AsyncOpenings
from valetkey.client._async.sessions import AsyncSessions
from valetkey.client._async.stops import AsyncStops
from valetkey.client._sync.acting import Acting
from valetkey.client._sync.openfort import TransactionIntents, VendorSessions
from valetkey.client._sync.openings import Openings
from valetkey.client._sync.sessions import Sessions
from valetkey.client._sync.stops import Stops

ROOT = Path(__file__).parents[2]


def test_the_synchronous_form_is_current() -> None:
    """Nobody changes one form and forgets the other."""
    command = [sys.executable, "tools/unasync.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S603 - our own script
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("plain", "other"),
    [
        (valetkey.Valetkey, valetkey.AsyncValetkey),
        (valetkey.Session, valetkey.AsyncSession),
        (valetkey.HeldSession, valetkey.AsyncHeldSession),
        (Acting, AsyncActing),
        (Openings, AsyncOpenings),
        (Sessions, AsyncSessions),
        (Stops, AsyncStops),
        (VendorSessions, AsyncVendorSessions),
        (TransactionIntents, AsyncTransactionIntents),
    ],
)
def test_both_forms_have_the_same_names_and_arguments(plain: type, other: type) -> None:
    """Who knows one knows the other; only the synchronous one has nothing to wait for."""
    names = {name for name in vars(plain) if not name.startswith("_")}
    renamed = {"aclose": "close"} if plain is valetkey.Valetkey else {}
    assert {renamed.get(n, n) for n in vars(other) if not n.startswith("_")} == names
    for name, member in vars(plain).items():
        if not inspect.isfunction(member) or name.startswith("_"):
            continue
        back = {"close": "aclose"} if plain is valetkey.Valetkey else {}
        twin = getattr(other, back.get(name, name))
        assert not inspect.iscoroutinefunction(member)
        assert list(inspect.signature(member).parameters) == list(
            inspect.signature(twin).parameters
        )


def test_every_public_name_is_there() -> None:
    """What the package lists can be had from it; what it does not list is an error."""
    assert all(getattr(valetkey, name) is not None for name in valetkey.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = valetkey.nothing  # type: ignore[attr-defined]


def test_a_codec_does_not_load_the_sdk() -> None:
    """The package is light until the SDK is asked for."""
    code = "import sys, valetkey.spec.jcs; sys.exit('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)  # noqa: S603 - our own code
    assert done.returncode == 0
