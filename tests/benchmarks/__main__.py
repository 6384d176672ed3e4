"""python -m tests.benchmarks: run benchmarks by name."""

import os
import sys

os.environ["DYNLEARN_COMPILATION_CACHE"] = "off"  # before anything imports JAX: what is compiled counts

from ._run import main

sys.exit(main())
