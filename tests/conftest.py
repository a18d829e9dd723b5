"""What all tests share: an environment that does not depend on how they were started."""

import os
import signal

# With several test processes, or on a busy machine, more threads of torch only get in each other's way. Set
# before torch is imported, and without importing it for tests that do not need it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What a make above us, a terminal or a CI service may have set, and would change a text that is compared.
OUTSIDE = (
    *("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"),
    *("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE"),
    *("GITHUB_ACTIONS", "POINTWISE_TRACEBACK"),
)
for _name in OUTSIDE:
    os.environ.pop(_name, None)

# In the background of a shell SIGINT is ignored, by all that is started from there too.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
