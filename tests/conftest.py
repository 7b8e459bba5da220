"""What every room of the tests shares."""

from hypothesis import HealthCheck, settings

from tests.searched import LONGER

pytest_plugins = ("tests.leaks", "tests.holes")

# A busy machine is no finding: nothing here is asserted about time.
settings.register_profile(
    "unhurried",
    deadline=None,
    max_examples=100 * LONGER,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")
