"""Two key-encryption keys, while one takes the place of the other."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

import pytest

from tests.adapters.vault.test_vault import OWNER, Drawn
from valetkey.adapters.vault.key_encryption_key import make_key_file, read_key_file
from valetkey.adapters.vault.key_ring import FileRing, KeyChange, KeyRing, next_key_file
from valetkey.adapters.vault.sealed import SealedVault
from valetkey.core.errors import Code, Conflict, Unavailable
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.wallet import Curve

if TYPE_CHECKING:
    from pathlib import Path

DIGEST: Final = sha256(b"a transaction").digest()
NOTE: Final = "org_1/kill-note/ses_1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a key-encryption key."""
    make_key_file(tmp_path / "key", Drawn("old"))
    return tmp_path / "key"


async def test_a_server_that_runs_takes_a_new_key_by_itself(path: Path) -> None:
    """What it seals from then on is under the new one; what it has sealed still opens."""
    vault = SealedVault(FileRing(path), Drawn("server"))
    before = await vault.create(Curve.SECP256K1, **OWNER)
    with KeyChange.changing(path) as change:
        old, new = change.begin(Drawn("new"))
    after = await vault.create(Curve.SECP256K1, **OWNER)
    assert before.wrapped_key[-8:].hex() == old == read_key_file(path).id
    assert after.wrapped_key[-8:].hex() == new == read_key_file(next_key_file(path)).id
    for key in (before, after):
        assert len(await vault.sign(key, DIGEST)) == 65


async def test_a_server_that_only_reads_finds_the_new_key(path: Path) -> None:
    """A record of an unknown key makes it look into the files, once they have it."""
    server = SealedVault(FileRing(path), Drawn("server"))
    with KeyChange.changing(path) as change:
        change.begin(Drawn("new"))
    blob = await SealedVault(FileRing(path), Drawn("other")).seal(SecretBytes(b"x"), context=NOTE)
    assert (await server.open(blob, context=NOTE)).reveal() == b"x"


async def test_a_record_is_wrapped_again_and_stays_what_it_was(path: Path) -> None:
    """Only the data key is: the private key under it keeps its bytes, and signs the same."""
    vault = SealedVault(FileRing(path), Drawn("server"))
    key = await vault.create(Curve.SECP256K1, **OWNER)
    blob = await vault.seal(SecretBytes(b"a kill note"), context=NOTE)
    assert await vault.rewrap_key(key) == key
    assert await vault.rewrap_secret(blob, context=NOTE) == blob
    with KeyChange.changing(path) as change:
        change.begin(Drawn("new"))
        fresh = SealedVault(FileRing(path), Drawn("rotation"))
        moved, note = await fresh.rewrap_key(key), await fresh.rewrap_secret(blob, context=NOTE)
        change.end()
    assert (moved.sealed, moved.public_key) == (key.sealed, key.public_key)
    assert moved.wrapped_key != key.wrapped_key
    later = SealedVault(FileRing(path), Drawn("later"))
    assert await later.sign(moved, DIGEST) == await vault.sign(key, DIGEST)
    assert (await later.open(note, context=NOTE)).reveal() == b"a kill note"
    with pytest.raises(Unavailable, match="one wrapped by"):
        await later.sign(key, DIGEST)
    assert await vault.sign(key, DIGEST)  # a process that knew the old key keeps knowing it


async def test_what_was_changed_is_not_wrapped_again(path: Path) -> None:
    """The record is opened first, so damage is found now and not when it is needed."""
    vault = SealedVault(FileRing(path), Drawn("server"))
    blob = await vault.seal(SecretBytes(b"a kill note"), context=NOTE)
    for bad, context in ((blob[:-1] + bytes([blob[-1] ^ 1]), NOTE), (blob, "org_2"), (b"", NOTE)):
        with pytest.raises(Unavailable) as refused:
            await vault.rewrap_secret(bad, context=context)
        assert refused.value.code is Code.VAULT_REFUSED


def test_two_changes_at_once_are_refused(path: Path) -> None:
    """The second is told; when the first has ended, or was killed, another may begin."""
    with (
        KeyChange.changing(path),
        pytest.raises(Conflict, match="under way"),
        KeyChange.changing(path),
    ):
        pass
    with KeyChange.changing(path) as change, pytest.raises(Conflict, match="nothing was begun"):
        change.end()


def test_a_change_goes_on_where_it_was_left(path: Path) -> None:
    """Begun twice it is the same new key; ended halfway it ends, and the old key is kept."""
    old_text = path.read_bytes()
    with KeyChange.changing(path) as change:
        ids = change.begin(Drawn("new"))
        assert change.begin(Drawn("another")) == ids
        kept = path.with_name(f"key.retired-{ids[0]}")
        kept.hardlink_to(path)  # the first step of the end, and then a crash
        assert change.end() == kept
        assert not change.is_begun
    assert read_key_file(path).id == ids[1]
    assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (old_text, 0o600)


async def test_a_new_key_that_others_can_read_is_refused(path: Path) -> None:
    """Nothing is sealed under a key that is no secret; the sentence says what to do."""
    vault = SealedVault(FileRing(path), Drawn("server"))
    make_key_file(next_key_file(path), Drawn("new"))
    next_key_file(path).chmod(0o644)
    with pytest.raises(Unavailable, match="chmod 600"):
        await vault.create(Curve.SECP256K1, **OWNER)


def test_a_ring_tells_no_key(path: Path) -> None:
    """Neither a traceback nor a log line can hold one."""
    ring = KeyRing([read_key_file(path)])
    vault = SealedVault(ring, Drawn("server"))
    assert path.read_text().strip() not in f"{ring!r}{vault!r}{vars(ring)}"
    assert ring.ids == (ring.id,)
