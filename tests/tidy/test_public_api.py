"""Rule: what is public is written down, and every public name says in a docstring what it does."""

# A name slips into __all__ easily and out of it never, because somebody uses it by then. So the public names stand in
# public_api.txt, and a change of them is a line in the diff and a line under *Unreleased* in CHANGELOG.md.
# After an intended change: .venv/bin/python tests/tidy/test_public_api.py

import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

PACKAGES = ("libactor", "libactor.records", "libactor.records.projection", "mesoslite")
REMEDY = "if this is meant: run .venv/bin/python tests/tidy/test_public_api.py and add a line to CHANGELOG.md"
SNAPSHOT = Path(__file__).with_name("public_api.txt")


def public_names() -> list[str]:
    """Return the dotted names that the packages export, sorted within each."""
    return [f"{name}.{entry}" for name in PACKAGES for entry in sorted(importlib.import_module(name).__all__)]


def public_values() -> dict[str, object]:
    """Return what each public name stands for; raise AttributeError for a name that stands for nothing."""
    packages = {name: importlib.import_module(name) for name in PACKAGES}
    return {
        f"{name}.{entry}": getattr(package, entry) for name, package in packages.items() for entry in package.__all__
    }


def differences(now: Iterable[str], before: Iterable[str]) -> list[str]:
    now, before = set(now), set(before)
    return sorted([f"+ {name}" for name in now - before] + [f"- {name}" for name in before - now])


def lacks_docstring(value: object) -> bool:
    """Say whether ``value`` is a class or a function without a docstring of its own."""
    if inspect.isclass(value):
        return not (vars(value).get("__doc__") or "").strip()
    return inspect.isroutine(value) and not (value.__doc__ or "").strip()


def test_public_names_are_those_of_the_snapshot():
    found = differences(public_names(), SNAPSHOT.read_text(encoding="utf-8").splitlines())

    assert not found, "\n".join(["the public names changed:", *found, REMEDY])


def test_every_public_class_and_function_has_a_docstring():
    found = [name for name, value in public_values().items() if lacks_docstring(value)]

    assert not found, "no docstring: " + ", ".join(found)


def test_no_public_name_is_exported_twice():
    names = public_names()

    assert len(names) == len(set(names))


def test_nothing_keeps_the_interpreter_from_remembering_where_a_name_of_libactor_is():
    package = importlib.import_module("libactor")

    assert type(package) is ModuleType
    assert "__getattr__" not in vars(package), "each use of la.tell would be a search: see libactor/__init__.py"


def test_importing_libactor_imports_nothing_that_only_tests_need():
    program = "import sys, libactor; print(sorted({'hashlib', 'json', 'msgspec', 'pytest'} & set(sys.modules)))"

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert result.stdout == "[]\n"


def test_a_difference_and_a_missing_docstring_are_caught():
    class Base:
        """Documented."""

    class Bare(Base):
        pass

    assert differences(["a", "b"], ["b", "c"]) == ["+ a", "- c"]
    assert lacks_docstring(Bare)
    assert lacks_docstring(lambda: None)
    assert not lacks_docstring(Base)
    assert not lacks_docstring(7)


if __name__ == "__main__":
    SNAPSHOT.write_text("".join(f"{name}\n" for name in public_names()), encoding="utf-8")
