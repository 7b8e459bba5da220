"""What every room of the tests shares."""

pytest_plugins = ("tests.leaks",)
