"""Rule: the text of the project is true on any machine: no path of somebody's disk, no host to download from."""

# A path of one developer's machine works for nobody else and tells about him; a registry host in a file is a second
# place where packages come from, beside the reader's own pip configuration.
# The patterns and the samples are written so that this file does not match itself.

import re

from .source_tree import ROOT, find_files

FOLDERS = ("libactor", "mesoslite", "csrc", "tests", "bench", "examples", "docs", ".ci")
SUFFIXES = (".py", ".pyi", ".c", ".h", ".md", ".txt", ".cfg", ".toml", ".json", ".html", ".js", ".css", ".sh")
PATTERNS = {
    "a path of one machine": (
        r"(?<![\w.}])/(?:ho[m]e|Us[e]rs)/\w",
        r"(?<![\w.}])/ro[o]t/",
        r"(?<![\w.}])/wo[r]k/",
        r"[A-Z]:\\Us[e]rs",
    ),
    "the host of a package registry": (
        r"pypi[.]org",
        r"pythonhos[t]ed",
        r"registry[.]npmjs",
        r"crates[.]io\b",
        r"proxy[.]golang",
        r"deb[.]debian",
        r"--(?:extra-)?inde[x]-url",
    ),
}


def findings(path: str, text: str) -> list[str]:
    """Return one line for each pattern found in the text of the file ``path``."""
    return [
        f"{path}:{number}: {kind}: {line.strip()[:100]}"
        for number, line in enumerate(text.splitlines(), 1)
        for kind, patterns in PATTERNS.items()
        if any(re.search(pattern, line) for pattern in patterns)
    ]


def text_files() -> list[str]:
    top = [path.name for path in ROOT.iterdir() if path.is_file() and path.suffix != ".lock"]
    scripts = [path for path in find_files(".ci", suffixes=[""]) if path not in top]
    return sorted({*top, *scripts, *find_files(*FOLDERS, suffixes=SUFFIXES)})


def test_no_text_names_a_machine_or_a_registry():
    found = [
        line
        for path in text_files()
        for line in findings(path, (ROOT / path).read_text(encoding="utf-8", errors="replace"))
    ]

    assert not found, "\n".join(found)


def test_each_pattern_finds_what_it_is_for():
    bad = [
        "cd /h~ome/ann",
        "see /w~ork/notes",
        "'/r~oot/.cache'",
        "https://pypi.~org/simple",
        "pip --index~-url=x",
    ]
    good = ["the network/work/queue", "GET /state", "~/src", "{base}/home/x", "a root/leaf tree"]

    assert [len(findings("a.md", line.replace("~", ""))) for line in bad] == [1] * len(bad)
    assert [findings("a.md", line) for line in good] == [[]] * len(good)
