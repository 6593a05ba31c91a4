"""Rule: each part imports only the parts below it. The tree is the architecture diagram, so it has to stay true."""

# The table is section 1 of the architecture: libactor knows nothing of clusters, its core nothing but the standard
# library; the parts of mesoslite meet in `model` and in the composition root, never directly; examples use what any
# user can use. Imports for type checking count too: what one must know to read a module, it depends on.

import sys
from dataclasses import dataclass

from .source_tree import Module, imports, read_packages


@dataclass(frozen=True)
class Layer:
    """What the modules of one layer may import, beside themselves and the standard library."""

    ours: tuple[str, ...]  # packages with all below them
    others: tuple[str, ...] | None = ()  # libraries; None: any


MODEL, RUNTIME = "mesoslite.model", "libactor"
PART = Layer((MODEL, RUNTIME), None)
ROOT = Layer(("mesoslite", RUNTIME), None)

LAYERS = {
    "libactor": Layer((), None),
    "libactor._core": Layer(()),
    "mesoslite": ROOT,  # the public vocabulary, mesoslite/__init__.py itself
    "mesoslite.model": Layer(("mesoslite.model.checking",), ("msgspec",)),
    "mesoslite.model.checking": Layer((MODEL, "libactor.records"), ("msgspec",)),
    "mesoslite.model.record_types": Layer((MODEL, "libactor.records")),
    "mesoslite.model.view": Layer((MODEL, "libactor.records"), ("msgspec",)),
    "mesoslite.allocator": Layer((MODEL,), ("msgspec", "re2")),
    "mesoslite.qos": Layer((MODEL,), ("msgspec",)),
    "mesoslite.master": PART,
    "mesoslite.agent": PART,
    "mesoslite.registry": PART,
    "mesoslite.election": PART,
    "mesoslite.containment": PART,
    "mesoslite.api": PART,
    "mesoslite.framework": PART,
    "mesoslite.cluster": ROOT,
    "mesoslite.cli": ROOT,
    "mesoslite.sim": ROOT,
    "mesoslite.web": Layer((), ()),
    "mesoslite.examples": Layer((), None),
}
RECORDS = ("libactor.records", "libactor.records.projection")
# What an example may import of ours, by exactly these names.
PUBLIC = ("mesoslite", "mesoslite.allocator", "libactor", "libactor.http", *RECORDS)


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def layer_of(name: str) -> str | None:
    """Return the layer that the module ``name`` belongs to, or None for a part that the table does not list."""
    if name in ("mesoslite", "mesoslite.__main__"):
        return "mesoslite"
    rows = [row for row in LAYERS if row != "mesoslite" and is_within(name, row)]
    return max(rows, key=len, default=None)


def refusal(module: Module, layer: str, target: str) -> str | None:
    """Return why ``module`` of ``layer`` may not import ``target``, or None if it may."""
    root = target.partition(".")[0]
    rule = LAYERS[layer]
    if root in ("libactor", "mesoslite"):
        if layer == "mesoslite.examples" and target not in PUBLIC:
            return f"an example imports only {', '.join(PUBLIC)}, as its readers would"
        if is_within(target, "libactor._core") and not is_within(module.name, "libactor"):
            return "the core is private to libactor; use what `libactor` exports"
        allowed = (*rule.ours, *(PUBLIC if layer == "mesoslite.examples" else ()))
        if layer_of(target) == layer or any(is_within(target, package) for package in allowed):
            return None
        if layer == "libactor" and is_within(target, "libactor"):
            return None
        return f"of ours it may import {', '.join(allowed) or 'only itself'}"
    if root in sys.stdlib_module_names or rule.others is None or root in rule.others:
        return None
    return f"of libraries it may import {', '.join(rule.others) or 'only the standard one'}"


def violations(modules: list[Module]) -> list[str]:
    """Return one line for each import against the table and each part that is not in it."""
    known = frozenset(module.name for module in modules)
    found = []
    for module in modules:
        layer = layer_of(module.name)
        if layer is None:
            found.append(f"{module.path}: {module.name} has no row in LAYERS; add one that says what it may import")
            continue
        for line, target in imports(module, known):
            reason = refusal(module, layer, target)
            if reason:
                found.append(f"{module.path}:{line}: {layer} imports {target}; {reason}")
    return found


def toy(*sources: tuple[str, str]) -> list[Module]:
    """Return modules from (path, text) pairs; a path gives the name."""
    return [
        Module(path, path.removesuffix(".py").removesuffix("/__init__").replace("/", "."), text)
        for path, text in sources
    ]


def test_every_import_follows_the_table():
    found = violations(read_packages())

    assert not found, "\n".join(found)


# Goal: the checker sees each way to write a forbidden import. Method: a toy tree with one of each.
def test_siblings_are_caught_however_the_import_is_written():
    agent = ("mesoslite/agent/__init__.py", "")
    spellings = [
        "import mesoslite.agent",
        "from mesoslite.agent import Agent",
        "from mesoslite import agent",
        "from .. import agent",
        "from ..agent import Agent",
        "def late():\n    from mesoslite.agent import Agent",
        "import importlib\nimportlib.import_module('mesoslite.agent')",
    ]

    found = [violations(toy(agent, ("mesoslite/master/actor.py", text))) for text in spellings]

    assert [len(lines) for lines in found] == [1] * len(spellings)
    assert "mesoslite.master imports mesoslite.agent" in found[0][0]


def test_the_public_face_is_above_its_parts():
    tree = toy(("mesoslite/__init__.py", ""), ("mesoslite/agent/actor.py", "from mesoslite import Cluster"))

    assert len(violations(tree)) == 1


def test_the_core_may_import_only_itself_and_the_standard_library():
    allowed = "import threading\nfrom libactor._core._future import FutureCell\nfrom . import _mailbox"
    refused = "import msgspec\nimport libactor\nfrom libactor.pid import PID\nfrom .. import pid"

    assert not violations(toy(("libactor/_core/_queue.py", allowed)))
    assert len(violations(toy(("libactor/_core/_queue.py", refused)))) == 4


def test_libactor_never_imports_mesoslite_and_mesoslite_never_its_core():
    upward = toy(("libactor/actor.py", "import mesoslite.model"))
    inward = toy(("mesoslite/cluster.py", "from libactor._core import _impl"))

    assert len(violations(upward)) == 1
    assert len(violations(inward)) == 1


def test_examples_use_the_public_names_only():
    allowed = toy(("mesoslite/examples/hello.py", "import libactor as la\nfrom mesoslite import Cluster"))
    refused = toy(("mesoslite/examples/hello.py", "from mesoslite.master import Master"))

    assert not violations(allowed)
    assert len(violations(refused)) == 1


def test_a_part_without_a_row_is_caught():
    found = violations(toy(("mesoslite/gossip.py", "")))

    assert len(found) == 1
    assert "no row" in found[0]
