"""What the fuzzer draws record types and values with, for tests that draw them too."""

# It lies beside the fuzzer, which is a program of its own and no package.

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


def _load() -> ModuleType:
    place = Path(__file__).parents[1] / "fuzzing" / "random_types.py"
    spec = importlib.util.spec_from_file_location("libactor_random_types", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


types: Any = _load()
