"""Chains, each through its own node."""
