"""``bench`` is not installed: it is found beside the tests, also where pytest does not start at the root."""

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    sys.path.append(ROOT)
