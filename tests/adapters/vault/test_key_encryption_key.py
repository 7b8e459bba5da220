"""Where the key-encryption key comes from, and what is refused as one."""

from __future__ import annotations

import base64
import copy
import os
import pickle
import stat
import traceback
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import pytest

from valetkey.adapters.vault.key_encryption_key import (
    KeyEncryptionKey,
    make_key_file,
    read_key_file,
)
from valetkey.core.errors import Code, Unavailable
from valetkey.core.secret_bytes import SecretBytes

if TYPE_CHECKING:
    from pathlib import Path

KEY: Final = sha256(b"a key-encryption key for tests").digest()
BASE64URL: Final = base64.urlsafe_b64encode(KEY).decode()


class Given:
    """Gives the one key."""

    def take(self, count: int) -> bytes:
        """Return the key."""
        return KEY[:count]


def key_file(folder: Path, content: bytes = KEY.hex().encode(), mode: int = 0o600) -> Path:
    """Write a key file."""
    path = folder / "test.kek"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    "text",
    [KEY.hex(), KEY.hex().upper(), KEY.hex() + "\n", BASE64URL, BASE64URL.rstrip("=")],
    ids=["hex", "upper case", "line", "padded", "base64url"],
)
def test_one_key_has_one_id_in_every_form(text: str, tmp_path: Path) -> None:
    """From a file or from the environment, in hex or base64url, it is the same key."""
    expected = KeyEncryptionKey(SecretBytes(KEY)).id
    assert KeyEncryptionKey.from_text(text).id == expected
    assert read_key_file(key_file(tmp_path, text.encode())).id == expected


def test_the_id_tells_nothing_of_the_key() -> None:
    """It may stand in logs and beside each record: it is a hash of its own kind."""
    key = KeyEncryptionKey(SecretBytes(KEY))
    assert repr(key) == f"KeyEncryptionKey(id={key.id!r})"
    assert len(key.id) == 16
    assert key.id not in KEY.hex()
    assert not sha256(KEY).hexdigest().startswith(key.id)
    assert KeyEncryptionKey(SecretBytes(KEY[::-1])).id != key.id


@pytest.mark.parametrize(
    "text",
    [
        "",
        KEY.hex()[:-2],
        KEY.hex() + "00",
        "0x" + KEY.hex(),
        BASE64URL[:-2],
        BASE64URL + "=",
        KEY.hex()[:-1] + "g",
        "00" * 32,
        "ab" * 32,
        "é" * 32,
        "\udcff" * 64,
        "changeme",
        " " * 64,
    ],
    ids=ascii,
)
def test_what_is_no_random_key_of_32_bytes_is_refused(text: str) -> None:
    """Too short, too long, in another form, or nobody's idea of random."""
    with pytest.raises(Unavailable) as refused:
        KeyEncryptionKey.from_text(text)
    assert refused.value.code is Code.VAULT_REFUSED


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o660, 0o777])
def test_a_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    """A key that others may have read is no secret; the refusal says how to mend it."""
    with pytest.raises(Unavailable, match=f"expected mode 0600, got {mode:04o}; run chmod 600"):
        read_key_file(key_file(tmp_path, mode=mode))


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_of_its_owner_alone_is_read(tmp_path: Path, mode: int) -> None:
    """Readable by the owner, by nobody else."""
    assert read_key_file(key_file(tmp_path, mode=mode)).id


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    """Its owner could change it, whatever its mode says."""
    path = key_file(tmp_path)
    os.chown(path, 12345, -1)
    with pytest.raises(Unavailable, match="expected a file of this user, got one of 12345"):
        read_key_file(path)


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    """What was checked is what is read: a link could point elsewhere in the next moment."""
    link = tmp_path / "link"
    link.symlink_to(key_file(tmp_path))
    with pytest.raises(Unavailable, match="is no link"):
        read_key_file(link)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """Neither a folder nor a pipe is waited for; a missing file is said to be missing."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(Unavailable, match="expected a regular file"):
            read_key_file(path)
    with pytest.raises(Unavailable, match="No such file"):
        read_key_file(tmp_path / "missing")


@pytest.mark.parametrize("content", [b"", KEY, KEY.hex().encode()[:-2], b"0" * 200, b"\xff" * 64])
def test_a_file_with_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    """One form, as text: what was cut or overwritten is not taken for a key."""
    with pytest.raises(Unavailable) as refused:
        read_key_file(key_file(tmp_path, content))
    assert refused.value.code is Code.VAULT_REFUSED


def test_a_new_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """It is written once with mode 0600, whatever the mask, and never over another."""
    path = tmp_path / "new.kek"
    before = os.umask(0)
    try:
        made = make_key_file(path, Given())
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key_file(path).id == made.id
    with pytest.raises(Unavailable, match="File exists"):
        make_key_file(path, Given())
    with pytest.raises(Unavailable, match="No such file"):
        make_key_file(tmp_path / "missing" / "new.kek", Given())


def test_a_key_is_not_shown_copied_or_pickled(tmp_path: Path) -> None:
    """Not by repr, not by a traceback with local variables, not by a cache."""
    key = KeyEncryptionKey(SecretBytes(KEY))
    for leak in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            leak(key)
    almost = KEY.hex() + "0"
    shown = []
    with pytest.raises(Unavailable) as refused:
        KeyEncryptionKey.from_text(almost)
    shown.append(refused.value)
    with pytest.raises(Unavailable) as refused:
        read_key_file(key_file(tmp_path, almost.encode()))
    shown.append(refused.value)
    for error in shown:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        found = [
            str(error),
            *(repr(f.f_locals) for f in frames if f.f_code.co_filename != __file__),
        ]
        assert KEY.hex() not in "\n".join(found)
