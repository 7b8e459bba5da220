"""One short function per verb: gather the facts, let `core` decide, change the world, note it."""
