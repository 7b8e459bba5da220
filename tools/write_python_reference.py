"""
Write docs/reference/python.md: every public name of the SDK, from its docstring.

    python tools/write_python_reference.py --write    replace the page
    python tools/write_python_reference.py --check    exit with 1 if that would change something

The synchronous client is shown; the asynchronous one is the same with ``await`` and ``async for``.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from pathlib import Path
from typing import Any, Final

import valetkey
from valetkey import Valetkey
from valetkey.client import filters

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "reference" / "python.md"
HEAD: Final = """# The Python SDK

Every public name, from its docstring; written by `tools/write_python_reference.py`. The synchronous
client is shown. `AsyncValetkey`, `AsyncSession` and `AsyncHeldSession` are the same with `await`
and `async for`. Errors are `ValetkeyError` with a stable `code` ([codes](codes.md)).
"""
_ASYNC: Final = re.compile(r"\bAsync(?=[A-Z])")


def docstring(thing: object) -> str:
    """Return the docstring of *thing* in Markdown: its sections as bold names and code."""
    text = _ASYNC.sub("", inspect.getdoc(thing) or "").replace("``", "`")
    text = re.sub(r"^(Args|Returns|Raises|Spec|Args, Raises):", r"**\1**", text, flags=re.MULTILINE)
    parts: list[str] = []
    for paragraph in text.split("\n\n"):
        if paragraph.startswith(">>>"):
            parts.append(f"    {paragraph.replace(chr(10), chr(10) + '    ')}")
        elif paragraph.startswith("**"):
            name, _, body = paragraph.partition("\n")
            parts.append(f"{name}\n{_entries(body)}" if body else name)
        else:
            parts.append(paragraph)
    return "\n\n".join(parts)


def _entries(body: str) -> str:
    """Return the entries of a section as a list."""
    entries: list[str] = []
    for line in textwrap.dedent(body).splitlines():
        if line.startswith("    ") and entries:
            entries[-1] += f" {line.strip()}"
        else:
            entries.append(line.strip())
    return "\n" + "\n".join(f"- {entry}" for entry in entries)


def signature(name: str, function: Any) -> str:  # noqa: ANN401 - any callable
    """Return how *function* is called, without ``self``."""
    found = inspect.signature(function)
    kept = [one for key, one in found.parameters.items() if key != "self"]
    returned = found.replace(parameters=kept)
    return f"{name}{str(returned).replace(chr(39), '')}"


def of_class(title: str, kind: type) -> list[str]:
    """Return the section of a class: itself, then its own and inherited public methods."""
    parts = [f"## `{title}`", docstring(kind)]
    for name, member in inspect.getmembers(kind):
        if name.startswith("_") or not (inspect.getdoc(member) and _is_ours(member)):
            continue
        if isinstance(member, property):
            parts += [f"### `{title}.{name}`", docstring(member)]
        elif callable(member):
            parts += [f"### `{title}.{name}`", f"`{signature(name, member)}`", docstring(member)]
    return parts


def _is_ours(member: object) -> bool:
    inner = member.fget if isinstance(member, property) else member
    return str(getattr(inner, "__module__", "")).startswith("valetkey.")


def render() -> str:
    """Return the page."""
    parts = [HEAD.strip()]
    client = Valetkey("http://127.0.0.1:1")
    parts += of_class("Valetkey", Valetkey)
    for name, part in sorted(vars(client).items()):
        if not name.startswith("_"):
            parts += of_class(f"Valetkey.{name}", type(part))
    client.close()
    for name in valetkey.__all__:
        thing = getattr(valetkey, name)
        if name == "Valetkey" or name.startswith("Async"):
            continue
        if inspect.isclass(thing):
            parts += of_class(name, thing)
        elif inspect.isfunction(thing):
            parts += [f"## `{name}`", f"`{signature(name, thing)}`", docstring(thing)]
        elif inspect.ismodule(thing):
            parts += of_module(name, thing)
    for name in ("SessionFilters", "ActivityFilters", "LineFilters", "Asked"):
        kind = getattr(filters, name)
        keys = ", ".join(f"`{key}`" for key in kind.__annotations__)
        parts += [f"## `{name}`", f"Keyword arguments: {keys}.", docstring(kind)]
    return "\n\n".join(parts) + "\n"


def of_module(title: str, module: Any) -> list[str]:  # noqa: ANN401 - a module
    """Return the section of a module: itself, then what it makes public."""
    parts = [f"## `{title}`", docstring(module)]
    for name in getattr(module, "__all__", ()):
        thing = getattr(module, name)
        if inspect.isfunction(thing):
            parts += [f"### `{title}.{name}`", f"`{signature(name, thing)}`", docstring(thing)]
    return parts


def main(arguments: list[str]) -> int:
    """Write or check, and return the exit code."""
    page = render()
    if arguments == ["--write"]:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    is_current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == page
    if not is_current:
        print("docs/reference/python.md: run python tools/write_python_reference.py --write")
    return int(not is_current)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
