"""The native API: a handler for each route, by noun."""
