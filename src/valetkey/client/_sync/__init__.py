# Written by tools/unasync.py from ../_async/__init__.py: change that one.
"""The client. Synchronous and asynchronous forms say the same: see tools/unasync.py."""
