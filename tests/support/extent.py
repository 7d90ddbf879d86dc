"""How much of what could be tried a test run tries: EVERYTHING=1 in the environment is all of it.

Without it, a test whose cases differ little tries some of them, so that a run takes minutes instead of hours.
Read when a module is collected: no test sees such variables.
"""

import os

EVERYTHING = bool(os.environ.get("EVERYTHING"))
