"""The project's source as the tidy tests read it: files, modules, imports and the full names of what is used."""

# Who calls: every module of tests/tidy; each also hands in toy sources, to show that its rule can fail.
# Nothing here imports the code it reads, so a rule also holds for code that cannot be imported on this machine.

import ast
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "libactor": "libactor",
    "mesoslite": "mesoslite",
    "mesoslite.examples": "examples",
}  # name: folder


@dataclass(frozen=True)
class Module:
    """One Python file: its path under the root, its dotted name, its text and its syntax tree."""

    path: str
    name: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        """The syntax tree; SyntaxError naming the path if the text is not Python. Many rules look at few trees."""
        return ast.parse(self.text, filename=self.path)

    @property
    def package(self) -> str:
        """The package that relative imports of this module start from."""
        return self.name if self.path.endswith("__init__.py") else self.name.rpartition(".")[0]


def find_files(*folders: str, suffixes: Iterable[str]) -> list[str]:
    """Return the paths under the root of all files in ``folders`` that end in one of ``suffixes``, sorted."""
    wanted = tuple(suffixes)
    found = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.name.endswith(wanted))
    return sorted(path.relative_to(ROOT).as_posix() for path in found if path.is_file())


@functools.cache
def read_folder(folder: str, package: str) -> tuple[Module, ...]:
    """Return every module in ``folder``, named as it is imported if the folder is the package ``package``."""
    modules = []
    for path in find_files(folder, suffixes=[".py"]):
        parts = Path(path).relative_to(folder).with_suffix("").parts
        name = ".".join([package, *parts]).removesuffix(".__init__")
        modules.append(Module(path, name, (ROOT / path).read_text(encoding="utf-8")))
    return tuple(modules)


def read_packages() -> list[Module]:
    """Return every module that is installed: libactor, mesoslite and the examples."""
    return [module for name, folder in PACKAGES.items() for module in read_folder(folder, name)]


def imports(module: Module, known: frozenset[str] = frozenset()) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of each module that ``module`` imports, relative imports resolved.

    ``known`` are the modules of the tree: `from a import b` names a.b if that is one of them, else a.
    """
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = import_base(module, node)
            for alias in node.names:
                name = f"{base}.{alias.name}"
                yield node.lineno, name if name in known else base
        elif isinstance(node, ast.Call) and dotted_name(node.func).endswith("import_module"):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield node.lineno, first.value


def import_base(module: Module, node: ast.ImportFrom) -> str:
    """Return the absolute name of the module that a `from ... import` names."""
    if not node.level:
        return node.module or ""
    parts = module.package.split(".")
    base = parts[: len(parts) - (node.level - 1)]
    return ".".join([*base, node.module] if node.module else base)


def dotted_name(node: ast.expr) -> str:
    """Return `a.b.c` for that expression; a part that is no name becomes empty, so that `f().c` gives `.c`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted_name(node.value)}.{node.attr}"
    return ""


def import_aliases(tree: ast.AST) -> dict[str, str]:
    """Return what each imported name stands for: {"dt": "datetime.datetime"} after `import datetime as dt`..."""
    aliases = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                aliases[alias.asname or root] = alias.name if alias.asname else root
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return aliases


def full_names(tree: ast.AST, aliases: dict[str, str]) -> Iterator[tuple[ast.expr, str]]:
    """Yield each name or attribute of ``tree`` with its full name: `t.monotonic` gives time.monotonic if t is time.

    Of a chain only the longest is given. A chain that does not start at an import keeps its own words.
    """
    chains = [node for node in ast.walk(tree) if isinstance(node, (ast.Name, ast.Attribute))]
    inner = {id(node.value) for node in chains if isinstance(node, ast.Attribute)}
    for node in chains:
        if id(node) not in inner:
            yield node, full_name(node, aliases)


def full_name(node: ast.expr, aliases: dict[str, str]) -> str:
    """Return the full name of one name or attribute; empty for what is neither."""
    first, dot, rest = dotted_name(node).partition(".")
    return aliases.get(first, first) + dot + rest
