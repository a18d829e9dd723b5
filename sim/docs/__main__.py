"""``python -m pointwise.sim.docs``."""

import sys

from .documents import main

sys.exit(main(sys.argv[1:]))
