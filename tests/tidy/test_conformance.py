"""Rule: what docs/libprocess.md lists as tested is tested, and what tests name of libprocess is listed there."""

# The mark is a comment of its own line above a test, `# LP FutureTest.Then`: the name of the upstream test whose claim
# the test below makes too. The list is the table of docs/libprocess.md whose rows begin with such a name.
# A word that almost is a mark, or a mark above nothing, would be overlooked for ever: both fail.

import ast
import re
from collections.abc import Iterable

from .source_tree import ROOT, Module, read_folder

PAGE = "docs/libprocess.md"
LISTED = re.compile(r"^\| `(\w+Test\.\w+)` \| (.*) \|$", re.MULTILINE)
STATUS = re.compile(r"tested|not yet(: .+)?|does not apply: .+")
MARK = re.compile(r"# LP (\w+Test\.\w+)")
LOOKS_LIKE_A_MARK = re.compile(r"^\s*#\s*LP\b", re.IGNORECASE | re.MULTILINE)


def marks(module: Module) -> tuple[set[str], list[str]]:
    """Return the upstream names that tests of ``module`` carry, and one line for each mark that will not do."""
    if not LOOKS_LIKE_A_MARK.search(module.text):
        return set(), []  # as most: the tree need not be looked at
    lines = module.text.splitlines()
    names, used = set(), set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            number = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 2
            while number >= 0 and lines[number].startswith("#"):
                if found := MARK.fullmatch(lines[number]):
                    names.add(found[1])
                    used.add(number)
                number -= 1
    bad = [number for number, line in enumerate(lines) if LOOKS_LIKE_A_MARK.match(line) and number not in used]
    return names, [
        f"{module.path}:{number + 1}: {lines[number]!r}; expected `# LP SomeTest.Name` above a test" for number in bad
    ]


def contradictions(page: str, marked: Iterable[str]) -> list[str]:
    """Return one line for each name on which the list in ``page`` and the ``marked`` names do not agree."""
    rows, marked = LISTED.findall(page), set(marked)
    names = [name for name, _ in rows]
    tested = {name for name, status in rows if status == "tested"}
    return sorted(
        [f"{name}: {status!r}; expected tested, not yet, or does not apply: reason"
         for name, status in rows if not STATUS.fullmatch(status)]
        + [f"{name}: listed twice" for name in set(names) if names.count(name) > 1]
        + [f"{name}: listed as tested, and no test is marked with it" for name in tested - marked]
        + [f"{name}: a test is marked with it, and it is not listed as tested" for name in marked - tested]
    )  # fmt: skip


def test_the_list_and_the_marks_agree():
    found = [marks(module) for module in read_folder("tests", "tests")]
    page = (ROOT / PAGE).read_text(encoding="utf-8")

    wrong = contradictions(page, set().union(*(names for names, _ in found)))

    assert not wrong, f"{PAGE}:\n" + "\n".join(wrong)


def test_every_mark_stands_above_a_test_and_is_well_formed():
    wrong = [line for module in read_folder("tests", "tests") for line in marks(module)[1]]

    assert not wrong, "\n".join(wrong)


def test_marks_are_found_above_decorators_and_other_comments():
    text = "# LP ATest.B\n# Goal: none.\n# LP ATest.C\n@f(\n    1\n)\ndef test_a():\n    pass\n"

    assert marks(Module("toy.py", "toy", text)) == ({"ATest.B", "ATest.C"}, [])


def test_each_kind_of_bad_mark_is_caught():
    bad = [
        "# LP ATest.B\n\ndef test_a(): pass",
        "# LP ATest.B\ndef helper(): pass",
        "# LP ATest.B (in part)\ndef test_a(): pass",
        "# lp ATest.B\ndef test_a(): pass",
        "# LP\ndef test_a(): pass",
    ]

    assert [len(marks(Module("toy.py", "toy", text))[1]) for text in bad] == [1] * len(bad)


def test_each_kind_of_contradiction_is_caught():
    def row(status: str, name: str = "ATest.B") -> str:
        return f"| `{name}` | {status} |\n"

    assert contradictions(row("tested") + row("not yet: x", "ATest.C"), ["ATest.B"]) == []
    assert [len(contradictions(page, marked)) for page, marked in [
        (row("tested"), []),
        ("", ["ATest.B"]),
        (row("not yet"), ["ATest.B"]),
        (row("does not apply"), []),
        (row("not yet") * 2, []),
    ]] == [1] * 5  # fmt: skip
