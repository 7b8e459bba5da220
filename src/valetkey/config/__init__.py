"""What the operator sets: one file and the environment, read once, every field bounded."""

from valetkey.config.model import (
    Bounds,
    ChainConfig,
    ChainName,
    Config,
    DialectConfig,
    DialectName,
    Hex20,
    Rates,
)
from valetkey.config.reading import (
    CONFIG_NAME,
    MAX_CONFIG_BYTES,
    parse_config,
    read_config,
    read_config_text,
)

__all__ = [
    "CONFIG_NAME",
    "MAX_CONFIG_BYTES",
    "Bounds",
    "ChainConfig",
    "ChainName",
    "Config",
    "DialectConfig",
    "DialectName",
    "Hex20",
    "Rates",
    "parse_config",
    "read_config",
    "read_config_text",
]
