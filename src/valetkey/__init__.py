"""valetkey: sessions for wallets, self-hosted."""

__version__ = "0.1.0"
