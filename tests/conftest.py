"""What every room of the tests shares."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ("tests.leaks",)

# A busy machine is no finding: nothing here is asserted about time.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fuzz", settings.get_profile("unhurried"), max_examples=2_000)
settings.load_profile("fuzz" if "VALETKEY_FUZZ" in os.environ else "unhurried")
