"""What every room of the tests shares."""

from hypothesis import HealthCheck, settings

pytest_plugins = ("tests.leaks",)

# A busy machine is no finding: nothing here is asserted about time.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
