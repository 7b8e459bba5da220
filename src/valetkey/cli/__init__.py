"""
The command line, and the console script ``valetkey``.

Exit codes: 0 done, 1 refused or broken, 2 used wrongly, 3 a server or chain does not answer.
"""

from valetkey.cli.commands import main

__all__ = ["main"]
