"""The vault and secrets: small ones that it seals, and those that nothing may show."""

from __future__ import annotations

import copy
import pickle
import traceback
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import pytest

from valetkey.adapters.vault.key_encryption_key import KeyEncryptionKey
from valetkey.adapters.vault.memory import MemoryVault
from valetkey.adapters.vault.sealed import SealedVault
from valetkey.core.errors import Unavailable
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.wallet import Curve

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

OWNER: Final = {"key_id": "key_1", "organization_id": "org_1", "wallet_id": "wal_1"}
DIGEST: Final = sha256(b"a transaction").digest()
KEK: Final = sha256(b"a key-encryption key for tests").hexdigest()


class Drawn:
    """Bytes that look random; what was taken is remembered."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def take(self, count: int) -> bytes:
        """Return the next *count* bytes, 32 at most."""
        drawn = sha256(f"draw {len(self.taken)}".encode()).digest()[:count]
        self.taken.append(drawn)
        return drawn


def sealed_vault(entropy: Drawn) -> SealedVault:
    """Make a vault under the key-encryption key of these tests."""
    return SealedVault(KeyEncryptionKey.from_text(KEK), entropy)


@pytest.fixture(params=[sealed_vault, MemoryVault], ids=["sealed", "memory"])
def make(request: pytest.FixtureRequest) -> Callable[[Drawn], SealedVault]:
    """Make one of the implementations."""
    made: Callable[[Drawn], SealedVault] = request.param
    return made


@pytest.fixture
def vault(make: Callable[[Drawn], SealedVault]) -> SealedVault:
    """One of the implementations."""
    return make(Drawn())


@pytest.mark.parametrize("size", [0, 1, 32, 65536])
async def test_a_small_secret_is_given_back_whole(vault: SealedVault, size: int) -> None:
    """What is sealed for a context opens for that context."""
    secret = SecretBytes(bytes(index % 251 for index in range(size)))
    blob = await vault.seal(secret, context="org_1/kill-note/ses_1")
    opened = await vault.open(blob, context="org_1/kill-note/ses_1")
    assert opened.reveal() == secret.reveal()


async def test_a_secret_opens_for_its_context_only(vault: SealedVault) -> None:
    """A sealed secret that was moved, changed or cut is refused."""
    blob = await vault.seal(SecretBytes(b"a kill note"), context="org_1")
    with pytest.raises(Unavailable):
        await vault.open(blob, context="org_2")
    for place in range(len(blob)):
        flipped = blob[:place] + bytes((blob[place] ^ 1,)) + blob[place + 1 :]
        for changed in (flipped, blob[:place]):
            with pytest.raises(Unavailable):
                await vault.open(changed, context="org_1")
    with pytest.raises(Unavailable):
        await vault.open(blob + b"\x00", context="org_1")


async def test_a_large_secret_is_refused(vault: SealedVault) -> None:
    """The vault is for keys and notes and not for files."""
    with pytest.raises(ValueError, match="expected at most 65536 bytes, got 65537"):
        await vault.seal(SecretBytes(bytes(65537)), context="org_1")


def shown_by(error: BaseException) -> str:
    """Everything that a traceback with local variables would print of code other than tests."""
    shown = [str(error), repr(error), *traceback.format_exception(error)]
    pending: list[BaseException | None] = [error]
    while pending:
        found = pending.pop()
        if found is None:
            continue
        pending += [found.__cause__, found.__context__]
        frames: list[FrameType] = [frame for frame, _ in traceback.walk_tb(found.__traceback__)]
        shown += [repr(frame.f_locals) for frame in frames if frame.f_code.co_filename != __file__]
    return "\n".join(shown)


async def test_no_refusal_shows_a_secret(make: Callable[[Drawn], SealedVault]) -> None:
    """Text, repr and the local variables of a traceback hold no key, whatever went wrong."""
    entropy = Drawn()
    vault = make(entropy)
    key = await vault.create(Curve.SECP256K1, **OWNER)
    secrets = [taken for taken in entropy.taken if len(taken) == 32]
    unsealed = replace(key, sealed=key.sealed[:-1] + bytes((key.sealed[-1] ^ 1,)))
    shown = [repr(vault), str(vault)]
    for changed in (replace(key, wallet_id="wal_2"), unsealed, replace(key, version=9)):
        with pytest.raises(Unavailable) as refused:
            await vault.sign(changed, DIGEST)
        shown.append(shown_by(refused.value))
    with pytest.raises(ValueError, match="expected a digest") as wrong:
        await vault.sign(key, b"short")
    shown.append(shown_by(wrong.value))
    imported = sha256(b"imported").digest() + b"\x00"
    with pytest.raises(ValueError, match="expected a private key") as none:
        await vault.import_key(Curve.P256, SecretBytes(imported), **OWNER)
    shown.append(shown_by(none.value))
    text = "\n".join(shown)
    for secret in (*secrets, imported, bytes.fromhex(KEK)):
        for form in (repr(secret)[2:-1], secret.hex(), str(int.from_bytes(secret))):
            assert form not in text


def test_secret_bytes_show_their_length_only() -> None:
    """They cannot be printed, formatted, copied or pickled by mistake."""
    secret = SecretBytes(b"hunter2hunter2")
    assert repr(secret) == str(secret) == f"{secret}" == "SecretBytes(14 bytes)"
    for leak in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            leak(secret)
