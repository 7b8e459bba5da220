"""The configuration is read once: one file and the environment, unknown keys are errors."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING, Final

import msgspec

from valetkey.config.model import Bounds, ChainConfig, Config, DialectConfig, Rates
from valetkey.core.errors import Code, Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONFIG_NAME: Final = "valetkey.toml"
ENVIRONMENT_PREFIX: Final = "VALETKEY_"
MAX_CONFIG_BYTES: Final = 256 * 1024


def read_config(folder: Path, environment: Mapping[str, str]) -> Config:
    """
    Return the configuration in *folder*, single fields overridden by the environment.

    ``VALETKEY_PORT=9000`` sets ``port``; ``VALETKEY_BOUNDS_WAIT_S=5`` sets ``bounds.wait_s``.

    Raises:
        Malformed: There is no such file, it is no TOML, or a key or value is not one of ours; the
            detail names it.
    """
    path = folder / CONFIG_NAME
    try:
        text = path.read_bytes()
    except OSError as error:
        detail = f"expected {path}, got {error.strerror}; `valetkey init` writes one"
        raise Malformed(Code.MALFORMED_CONFIG, detail) from None
    if len(text) > MAX_CONFIG_BYTES:
        detail = f"{path}: expected at most {MAX_CONFIG_BYTES} bytes, got {len(text)}"
        raise Malformed(Code.MALFORMED_CONFIG, detail)
    try:
        return read_config_text(text.decode(), environment)
    except UnicodeDecodeError as error:
        raise Malformed(Code.MALFORMED_CONFIG, f"{path}: expected UTF-8, {error}") from None
    except Malformed as error:
        raise Malformed(error.code, f"{path}: {error.detail}") from None


def read_config_text(text: str, environment: Mapping[str, str]) -> Config:
    """Return the configuration that *text* says in TOML (see `read_config`)."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Malformed(Code.MALFORMED_CONFIG, f"expected TOML, {error}") from None
    return parse_config(values, environment)


def parse_config(values: Mapping[str, object], environment: Mapping[str, str]) -> Config:
    """Return the configuration that *values* and *environment* say (see `read_config`)."""
    merged = dict(values)
    _refuse_unknown(merged, {one.name for one in fields(Config)}, "")
    for name, kind in _SECTIONS.items():
        section = merged.get(name, {})
        if isinstance(section, dict):
            _refuse_unknown(section, {one.name for one in fields(kind)}, f"{name}.")
            merged[name] = dict(section)
    for name, kind in _NAMED.items():
        named = merged.get(name, {})
        for inner, section in named.items() if isinstance(named, dict) else ():
            if isinstance(section, dict):
                _refuse_unknown(section, {one.name for one in fields(kind)}, f"{name}.{inner}.")
    _override(merged, environment)
    try:
        config = msgspec.convert(merged, Config, strict=False)
    except msgspec.ValidationError as error:
        detail = re.sub(r" - at `\$\.?(.*)`", r" at \1", str(error))
        raise Malformed(Code.MALFORMED_CONFIG, detail) from None
    if bool(config.clone_factory) is not bool(config.clone_implementation):
        detail = "expected clone_factory and clone_implementation, got one of them"
        raise Malformed(Code.MALFORMED_CONFIG, detail)
    return config


def _refuse_unknown(values: Mapping[str, object], known: set[str], where: str) -> None:
    unknown = sorted(set(values) - known)
    if unknown:
        detail = f"expected one of {', '.join(sorted(known))}, got {where}{unknown[0]}"
        raise Malformed(Code.MALFORMED_CONFIG, detail)


def _override(merged: dict[str, object], environment: Mapping[str, str]) -> None:
    plain = {one.name for one in fields(Config)} - {"names", *_NAMED, *_SECTIONS}
    inner = {
        f"{name}_{one.name}": (name, one.name)
        for name, kind in _SECTIONS.items()
        for one in fields(kind)
    }
    for name, value in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX):
            continue
        key = name.removeprefix(ENVIRONMENT_PREFIX).lower()
        if key in plain:
            merged[key] = value.split(",") if key in _LISTS else value
        elif key in inner:
            name_of_section, field_name = inner[key]
            section = merged.setdefault(name_of_section, {})
            if isinstance(section, dict):
                section[field_name] = value
        elif key not in _OTHERS:
            known = ", ".join(sorted(plain | set(inner)))
            raise Malformed(Code.MALFORMED_CONFIG, f"expected one of {known}, got {name}")


_SECTIONS: Final = {"bounds": Bounds, "rates": Rates}
_NAMED: Final = {"chains": ChainConfig, "dialects": DialectConfig}
_LISTS: Final = frozenset({"origins", "trusted_proxies"})

# Variables with our prefix that other parts read: the client's, the vault's, the crash tests'.
_OTHERS: Final = frozenset({"key", "url", "api_key", "home", "crash_at", "codes_secret"})
