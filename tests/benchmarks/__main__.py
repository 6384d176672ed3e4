"""python -m tests.benchmarks: run benchmarks by name."""

import sys

from ._run import main

sys.exit(main())
