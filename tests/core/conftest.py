"""How the properties of the core are searched: no deadline, for a slow machine is no failure."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "core",
    deadline=None,
    max_examples=2_000 if "VALETKEY_FUZZ" in os.environ else 100,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("core")
