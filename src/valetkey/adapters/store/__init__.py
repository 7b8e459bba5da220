"""Where everything is kept: in memory, or in one SQLite file."""
