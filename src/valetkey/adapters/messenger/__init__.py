"""Adapters that hand one-time codes on."""
