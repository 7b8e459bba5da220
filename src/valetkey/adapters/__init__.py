"""The world: what the ports name, done with real databases, keys and chains."""
