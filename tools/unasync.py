"""
Write the synchronous client from the asynchronous one, or say whether it is current.

    python tools/unasync.py            write src/valetkey/client/_sync
    python tools/unasync.py --check    exit with 1 if that would change something

The source is `_async`. What differs is words: each is replaced, wherever it stands, and the result
is formatted. See docs/adr/0004-sdk-one-source.md.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "valetkey" / "client" / "_async"
TARGET = SOURCE.with_name("_sync")
HEAD = "# Written by tools/unasync.py from ../_async/{name}: change that one.\n"

# In this order.
WORDS = [
    (r"\bfrom asyncio import sleep\b", "from time import sleep"),
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\b_async\b", "_sync"),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
    (r"\baclose\b", "close"),
    (r"\baiter_bytes\b", "iter_bytes"),
    (r"\baread\b", "read"),
    (r"\bAsync(?=[A-Z])", ""),
]


def translated(name: str, text: str) -> str:
    """Return the synchronous form of *text*, before it is formatted."""
    for pattern, word in WORDS:
        text = re.sub(pattern, word, text)
    return HEAD.format(name=name) + text


def formatted(text: str) -> str:
    """Return *text* as `ruff` sorts and formats it."""
    ruff = str(Path(sys.executable).with_name("ruff"))
    name = str(TARGET / "any.py")
    for command in (["check", "--select=I", "--fix-only", "--quiet"], ["format", "--quiet"]):
        run = [ruff, *command, "--no-cache", f"--stdin-filename={name}", "-"]
        text = subprocess.run(
            run, input=text, cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout
    return text


def wanted() -> dict[str, str]:
    """Return what the folder should hold, by file name."""
    sources = sorted(SOURCE.glob("*.py"))
    return {
        path.name: formatted(translated(path.name, path.read_text(encoding="utf-8")))
        for path in sources
    }


def main(arguments: list[str]) -> int:
    """Write or check, and return the exit code."""
    TARGET.mkdir(exist_ok=True)
    for source in SOURCE.glob("*.py"):  # there, so that ruff knows them for our own when it sorts
        (TARGET / source.name).touch()
    want = wanted()
    have = {path.name: path.read_text(encoding="utf-8") for path in TARGET.glob("*.py")}
    if arguments == ["--check"]:
        stale = sorted(
            name for name in want.keys() | have.keys() if want.get(name) != have.get(name)
        )
        for name in stale:
            print(f"{TARGET.relative_to(ROOT) / name}: run python tools/unasync.py")
        return int(bool(stale))
    for name in have.keys() - want.keys():
        (TARGET / name).unlink()
    for name, text in want.items():
        (TARGET / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
