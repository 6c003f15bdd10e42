"""``python -m touchline``: the command line."""

import sys

from touchline.cli import main

if __name__ == "__main__":
    sys.exit(main())
