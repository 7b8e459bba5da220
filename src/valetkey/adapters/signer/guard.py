"""What the signer's process does so that nothing of it stays on a disk, or is read from outside."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from typing import Final

__all__ = ["guard"]

_PR_SET_DUMPABLE: Final = 4
_MCL_CURRENT_AND_FUTURE: Final = 3


def guard() -> tuple[str, ...]:
    """
    Have this process write no core, be debugged by nobody, and stay in memory where it may.

    Returns:
        What is in force: ``no_core``, ``not_dumpable``, ``locked``. The last one needs the right to
        lock as much memory as the process takes (``LimitMEMLOCK=infinity``, or root): with less,
        the process would end when it grows.
    """
    done = ["no_core"]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return tuple(done)
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0:
        done.append("not_dumpable")
    may_lock = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
    if (may_lock or os.geteuid() == 0) and library.mlockall(_MCL_CURRENT_AND_FUTURE) == 0:
        done.append("locked")
    return tuple(done)
