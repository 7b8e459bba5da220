"""Hold the tree to rules that no other tool knows: sizes, addresses, locks, open ends, mocks."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SELF = Path(__file__).resolve().relative_to(ROOT)

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40  # its docstring not counted

CODE = {".py", ".mjs", ".js", ".ts", ".sol", ".cairo", ".sh", ".sql"}

# A package registry's host, or a directory of the machine that somebody happened to work on.
REGISTRY = re.compile(r"https?://[a-z0-9.-]*(npm|pyth|pypi|crates|golang|debian)[a-z0-9.-]*/")
MACHINE = re.compile(r"(^|[^A-Za-z0-9_.~-])/(work|farm|root|home|Users)/")
OPEN_END = re.compile(r"\b(TODO|FIXME|XXX)\b(?!.*#\d+)")
MOCK = re.compile(r"unittest\.mock|\bmonkeypatch\b|\bMagicMock\b|\bmocker\b")
LOCK_ADDRESS = re.compile(r"://|--(extra-)?index-url|--find-links|--trusted-host")

Finding = tuple[Path, int, str]


def _files() -> list[Path]:
    """List what git tracks or would add, as paths from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted(Path(name) for name in set(listed.split("\0")) if (ROOT / name).is_file())


def _text(path: Path) -> str | None:
    """Read *path* as UTF-8; ``None`` for a binary file."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def _grep(path: Path, text: str, pattern: re.Pattern[str], message: str) -> Iterator[Finding]:
    for number, line in enumerate(text.splitlines(), start=1):
        if pattern.search(line):
            yield path, number, message


def _addresses(path: Path, text: str) -> Iterator[Finding]:
    yield from _grep(path, text, REGISTRY, "names a package registry")
    yield from _grep(path, text, MACHINE, "names a directory of one machine")


def _size(path: Path, text: str) -> Iterator[Finding]:
    lines = len(text.splitlines())
    if path.suffix in CODE and lines > MAX_FILE_LINES:
        yield path, lines, f"{lines} lines, {MAX_FILE_LINES} at most"


def _function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of *node* without its docstring."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def _functions(path: Path, text: str) -> Iterator[Finding]:
    if path.suffix != ".py" or path.parts[0] != "src":
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = _function_lines(node)
            if lines > MAX_FUNCTION_LINES:
                message = f"{node.name} has {lines} lines, {MAX_FUNCTION_LINES} at most"
                yield path, node.lineno, message


def _open_ends(path: Path, text: str) -> Iterator[Finding]:
    if path.suffix in CODE:
        yield from _grep(path, text, OPEN_END, "an open end without the number of its issue (#12)")


def _mocks(path: Path, text: str) -> Iterator[Finding]:
    if path.suffix == ".py" and path.parts[0] == "tests":
        yield from _grep(path, text, MOCK, "a mock; the in-memory adapters are shipped code")


def _python_locks(path: Path, text: str) -> Iterator[Finding]:
    if path.parts[0] != "requirements" or path.suffix != ".txt":
        return
    yield from _grep(path, text, LOCK_ADDRESS, "a lock file carries an address")
    for pinned in re.finditer(r"^[A-Za-z0-9].*(?:\n[ \t]+--hash.*)*", text, re.MULTILINE):
        if "==" not in pinned[0] or "--hash=sha256:" not in pinned[0]:
            number = text.count("\n", 0, pinned.start()) + 1
            yield path, number, "a requirement without an exact version and a hash"


def _node_lock(path: Path, text: str) -> Iterator[Finding]:
    if path.name != "package-lock.json":
        return
    for name, package in json.loads(text)["packages"].items():
        if name and "integrity" not in package:
            yield path, 1, f"{name} has no integrity hash"
        if "resolved" in package:
            yield path, 1, f"{name} carries an address"


RULES: list[Callable[[Path, str], Iterator[Finding]]] = [
    _addresses,
    _size,
    _functions,
    _open_ends,
    _mocks,
    _python_locks,
    _node_lock,
]


def _is_asked_for(path: Path, asked: set[Path]) -> bool:
    return not asked or not asked.isdisjoint((path, *path.parents))


def main(asked: set[Path]) -> int:
    """
    Print what breaks a rule; the exit code says whether anything did.

    Args:
        asked: Look only at these files and folders; all of the tree if empty.
    """
    findings = [
        finding
        for path in _files()
        if path != SELF and _is_asked_for(path, asked) and (text := _text(path)) is not None
        for rule in RULES
        for finding in rule(path, text)
    ]
    for path, line, message in findings:
        print(f"{path}:{line}: {message}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main({Path(name) for name in sys.argv[1:]}))
