"""What vendors' wire formats and split keys need beside the server is looked at, too."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING, Final

from tests.cli.test_doctor import findings
from tests.cli.test_serve import serving

if TYPE_CHECKING:
    from pathlib import Path

FACTORY: Final = ("clone_factory", "clone_implementation")


def free_port() -> int:
    """Return the number of a port that is free."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port: int = taken.getsockname()[1]
        return port


def speak_para(home: Path, *ports: int) -> None:
    """Have the server speak Para's format on *ports*."""
    path = home / "valetkey.toml"
    path.write_text(f"{path.read_text()}\n[dialects.para]\nports = {list(ports)}\n")


def test_the_ports_of_a_format_are_free_taken_or_its_own(home: Path) -> None:
    """Taken by another program is a problem; by the server that runs it is not."""
    port = free_port()
    speak_para(home, port)
    assert findings(home)["para port"] == {
        "name": "para port",
        "ok": True,
        "said": f"127.0.0.1:{port} is free",
        "todo": None,
    }
    with closing(socket.create_server(("127.0.0.1", port))) as other:
        other.settimeout(0)
        found = findings(home)["para port"]
        assert not found["ok"]
        assert f"127.0.0.1:{port}" in found["said"]
        assert "[dialects.para]" in found["todo"]
    with serving(home):
        assert "a valetkey speaks" in findings(home)["para port"]["said"]


def test_a_signer_that_does_not_listen_is_found(home: Path) -> None:
    """The server would have no split key sign."""
    path = home / "valetkey.toml"
    path.write_text(f'signer_socket = "signer"\n{path.read_text()}')
    found = findings(home)["signer"]
    assert not found["ok"]
    assert "expected a signer at" in found["said"]
    assert "valetkey signer" in found["todo"]
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(str(home / "signer"))
        listening.listen()
        assert findings(home)["signer"]["ok"]


def test_a_format_whose_accounts_are_clones_needs_what_makes_them(home: Path) -> None:
    """Spoken without a factory it refuses nearly every account; said only where it is spoken."""
    assert "openfort accounts" not in findings(home)
    path = home / "valetkey.toml"
    plain = path.read_text()
    path.write_text(f"{plain}\n[dialects.openfort]\n")
    found = findings(home)["openfort accounts"]
    assert not found["ok"]
    assert "no clone_factory" in found["said"]
    assert "clone_factory and clone_implementation" in found["todo"]
    there = "".join(f'{name} = "0x{"a1" * 20}"\n' for name in FACTORY)
    path.write_text(f"{there}{plain}\n[dialects.openfort]\n")
    assert findings(home)["openfort accounts"]["ok"]
