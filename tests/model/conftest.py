"""One thread for torch: with several test processes, or on a busy machine, more of them only get in each
other's way. Set before torch is imported, and without importing it for tests that do not need it."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
