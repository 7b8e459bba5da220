"""Vendors' wire formats, translated into our commands and back. They decide nothing."""
