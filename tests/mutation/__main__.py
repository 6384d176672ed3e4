"""python -m tests.mutation: apply changes and report which of them survive."""

import sys

from ._run import main

if __name__ == "__main__":
    sys.exit(main())
