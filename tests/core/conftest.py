"""How the properties of the core are searched: no deadline, for a slow machine is no failure."""

from hypothesis import HealthCheck, settings

from tests.searched import LONGER

settings.register_profile(
    "core",
    deadline=None,
    max_examples=100 * LONGER,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("core")
