"""Rule: a function stays within 70 lines (aim 40) and a file within 800 (aim 400); exceptions only shrink."""

# Long functions hide branches and long files hide concepts; both grow a line at a time, so a review never sees it.
# The ratchet: an exception is listed with its length and its reason. Longer than listed fails; shorter fails as well,
# with the number to write instead; one that no longer needs listing must go. So the lists can only get shorter.
# Counted: a Python function from `def` to its last line without its docstring; a C function from the line of its
#   name to its closing brace, both in the first column; a file by all its lines.

import ast
import re
from collections.abc import Iterator

from .source_tree import ROOT, find_files

FUNCTION_LIMIT = 70
FILE_AIM, FILE_LIMIT = 400, 800

# "path:name": (lines, reason). Only what passes the limit stands here.
LONG_FUNCTIONS: dict[str, tuple[int, str]] = {}
LONG_FILES: dict[str, tuple[int, str]] = {}
# path: reason. Product files between aim and limit; a second concept in one of them is a reason to split it.
FILES_OVER_AIM: dict[str, str] = {
    "mesoslite/model/happenings.py": "one list: a struct of a few lines for each thing that happens",
    "mesoslite/model/__init__.py": "one list: each name of the vocabulary is imported and exported, nothing else",
}

PRODUCT = ("libactor", "mesoslite", "csrc")
ALL = (*PRODUCT, "tests", "bench", "examples")


def functions(path: str, text: str) -> Iterator[tuple[str, int]]:
    """Yield name and length of each function in the text of one file."""
    return c_functions(text) if path.endswith((".c", ".h")) else python_functions(ast.parse(text, path))


def python_functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Yield dotted name and length of each function, those in classes and in functions included."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name = f"{prefix}{node.name}"
            if not isinstance(node, ast.ClassDef):
                yield name, body_length(node)
            yield from python_functions(node, f"{name}.")
        elif not isinstance(node, ast.expr):  # which has none
            yield from python_functions(node, prefix)


def body_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    length = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node, clean=False) is not None:
        docstring = node.body[0]
        assert docstring.end_lineno is not None
        length -= docstring.end_lineno - docstring.lineno + 1
    return length


def c_functions(text: str) -> Iterator[tuple[str, int]]:
    """Yield name and length of each function; structs and initialisers end in `};` and are passed over."""
    start, name = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        head = re.match(r"(?=\w)(?:[\w\s*]*[\s*])?(\w+)\s*\(", line)
        if head and not line.rstrip().endswith(";"):
            start, name = number, head[1]
        elif line.startswith("}"):
            if name and line.rstrip() == "}":
                yield name, number - start + 1
            name = ""


def function_lengths() -> dict[str, int]:
    lengths = {}
    for path in find_files(*ALL, suffixes=[".py", ".c", ".h"]):
        for name, length in functions(path, (ROOT / path).read_text(encoding="utf-8")):
            lengths[f"{path}:{name}"] = length
    return lengths


def file_lengths(*folders: str) -> dict[str, int]:
    paths = find_files(*folders, suffixes=[".py", ".pyi", ".c", ".h"])
    return {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in paths}


def ratchet(lengths: dict[str, int], limit: int, listed: dict[str, tuple[int, str]]) -> list[str]:
    """Return one line for each length that is over ``limit`` and not listed as it is, and each idle entry."""
    found = []
    for name, length in lengths.items():
        allowed = listed[name][0] if name in listed else limit
        if length > max(allowed, limit):
            found.append(f"{name} has {length} lines, at most {allowed} are allowed; split it")
        elif name in listed and limit < length < allowed:
            found.append(f"{name} has shrunk to {length} lines; write {length} instead of {allowed}")
    idle = [name for name in listed if lengths.get(name, 0) <= limit]
    return found + [f"{name} is within {limit} lines or gone; take it off the list" for name in idle]


def over_aim(lengths: dict[str, int], listed: dict[str, str]) -> list[str]:
    """Return one line for each file between aim and limit that is not listed, and each that is listed idly."""
    over = {path for path, length in lengths.items() if FILE_AIM < length <= FILE_LIMIT}
    missing = [f"{path} has {lengths[path]} lines, the aim is {FILE_AIM}; split it or list why not" for path in over]
    return sorted(line for line in missing if line.split()[0] not in listed) + [
        f"{path} is no longer between aim and limit; take it off the list" for path in sorted(listed.keys() - over)
    ]


def test_functions_are_within_the_limit():
    found = ratchet(function_lengths(), FUNCTION_LIMIT, LONG_FUNCTIONS)

    assert not found, "\n".join(found)


def test_files_are_within_the_limit():
    found = ratchet(file_lengths(*ALL), FILE_LIMIT, LONG_FILES)

    assert not found, "\n".join(found)


def test_product_files_over_the_aim_say_why():
    found = over_aim(file_lengths(*PRODUCT), FILES_OVER_AIM)

    assert not found, "\n".join(found)


# Goal: the ratchet turns one way only. Method: one function of 80 lines against lists that fit and that do not.
def test_the_ratchet_only_turns_down():
    lengths = {"a.py:f": 80}

    assert ratchet(lengths, 70, {"a.py:f": (80, "a table")}) == []
    assert "at most 70" in ratchet(lengths, 70, {})[0]
    assert "at most 75" in ratchet(lengths, 70, {"a.py:f": (75, "a table")})[0]
    assert "write 80" in ratchet(lengths, 70, {"a.py:f": (90, "a table")})[0]
    assert "take it off" in ratchet({"a.py:f": 70}, 70, {"a.py:f": (80, "a table")})[0]
    assert "take it off" in ratchet({}, 70, {"a.py:f": (80, "a table")})[0]


def test_a_file_over_the_aim_needs_a_reason_and_only_then():
    assert "401 lines" in over_aim({"a.py": 401}, {})[0]
    assert over_aim({"a.py": 401}, {"a.py": "one state machine"}) == []
    assert "take it off" in over_aim({"a.py": 400}, {"a.py": "one state machine"})[0]


def test_a_docstring_does_not_count():
    text = 'class A:\n    def f(self):\n        """One.\n\n        Two.\n        """\n        return 1\n'

    assert list(functions("a.py", text)) == [("A.f", 2)]


def test_functions_inside_functions_and_branches_are_seen():
    text = "if True:\n    def f():\n        async def g():\n            return 1\n        return g\n"

    assert list(functions("a.py", text)) == [("f", 4), ("f.g", 2)]


def test_c_functions_are_measured_and_structs_are_not():
    text = (
        "typedef struct {\n    int n;\n} Ring;\n\nint known(Ring *ring);\n\n"
        "static PyMethodDef methods[] = {\n    {NULL},\n};\n\n"
        "static int\nring_take(Ring *ring,\n          int n)\n"
        "{\n    if (n) {\n        return 0;\n    }\n    return 1;\n}\n\n"
        "int ring_size(Ring *ring) {\n    return ring->n;\n}\n"
    )

    assert list(functions("ring.c", text)) == [("ring_take", 8), ("ring_size", 3)]
