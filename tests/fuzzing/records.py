"""Fuzzing records and projections in C, guided by the edges that inputs go over: python tests/fuzzing/records.py."""

# Who calls: .ci/fuzz, for `make fuzz`. tests/fuzzing/records.c, which this compiles, says what is looked at.
# Kinds: those of the corpus and of the tests of projections, and random ones, each with some tables. Inputs to begin
#   with: tests/runtime/corpus/records, and random records. The same options find the same. An operation that is in no
#   program would not be looked at: that is an error here.
# A finding is a file in the directory given with --build; once mended, it goes to tests/runtime/corpus/records.

import argparse
import importlib.util
import random
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from libactor._core import _projection as operations
from libactor.records import projection as p
from libactor.records.program import finish
from libactor.records.shapes import table_of

TESTS = Path(__file__).parents[1]
CSRC = TESTS.parent / "csrc"
SOURCES = (
    "packed_head",
    "shape",
    "json_out",
    "json_double",
    "json_powers",
    "transcode",
    "transcode_conditions",
    "transcode_rows",
    "tally",
    "groups",
)
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g", "-O1"]
RANDOM_KINDS = 24
TABLES = 3
RECORDS = 4
HOT_MAX = 4


def load(path: Path) -> ModuleType:
    """A module that is in no package."""
    spec = importlib.util.spec_from_file_location(f"libactor_{path.stem}", path)
    assert spec is not None, path
    assert spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def blob(data: bytes) -> bytes:
    return struct.pack("=I", len(data)) + data


def operations_of(code: bytes, words: int) -> set[int]:
    """Which operations a program has."""
    found, at = set(), 0
    while at < words:
        (operation,) = struct.unpack_from("=i", code, 4 * at)
        found.add(operation)
        at += operations.SIZES[operation]
    return found


def kind_of(kind: type[msgspec.Struct], tables: list[p.Value], used: set[int]) -> bytes:
    """A struct class and tables for it, as records.c reads them; what the tables use is added to ``used``."""
    shapes, choices = table_of(kind).pack()
    hot = range(min(HOT_MAX, len(kind.__struct_fields__)))
    parts = [blob(shapes), blob(choices), blob(struct.pack(f"={len(hot)}I", *hot)), struct.pack("=I", len(tables))]
    for table in tables:
        code, words, layout, pool = finish(kind, table.write)
        used |= operations_of(code, words)
        parts.append(blob(code) + struct.pack("=3I", words, layout, len(pool)) + blob(pool))
    return b"".join(parts)


def grouped() -> p.Value:
    """A table for the Thing of the tests of projections: items are chosen, grouped and looked into, one in another."""
    alone = p.IfOnly("ranges", p.Key("begin", p.Field("begin")), p.IfEquals("end", 5, p.Key("five", p.Const(1))))
    paid = p.IfEquals("revocable", True, p.Key("taken", p.Field("scalar")), otherwise=(alone,))
    amount = p.Object(p.Named("name", p.Each("texts", p.Field())), paid, p.Key("ranges", p.Ranges("ranges")))
    return p.Object(
        p.Key("roles", p.Groups("amounts", "role", amount)),
        p.Key("names", p.Groups("amounts", "name", p.Each("ranges", p.Field("end")), but="cpus")),
        p.Key("cpus", p.Each("amounts", amount, only=("name", "cpus"))),
        p.IfOnly("amounts", p.Key("alone", amount), p.IfEquals("name", "ports", p.Key("ports", p.Const(None)))),
        p.IfEquals("name", "thing", p.Key("data", p.Base64("data")), otherwise=(p.Key("name", p.Field("name")),)),
    )


def cases(seed: int) -> bytes:
    """All kinds and seeds. Raises: LookupError if no program has one of the operations."""
    rng, used = random.Random(seed), set[int]()
    types, fuzz = load(TESTS / "fuzzing" / "random_types.py"), load(TESTS / "runtime" / "fuzz.py")
    things, rows = (load(TESTS / "runtime" / f"test_{name}.py") for name in ("projection", "projection_rows"))
    fields = [p.Key(name, p.Field(name)) for name in ("name", "number", "data", "healthy", "anything")]
    labels = p.Each("statuses", p.Object(p.Key("s", p.Choice("state")), p.Key("l", p.Each("labels", p.Field()))))
    message = p.Object(*fields, p.Key("statuses", labels), p.Key("resources", p.Pairs("resources", p.Field())))
    kinds = [
        kind_of(fuzz.Message, [message], used),
        kind_of(things.Thing, [things.TABLE, grouped()], used),
        kind_of(rows.Thing, [rows.TABLE], used),
    ]
    seeds = [(0, path.read_bytes()) for path in sorted((TESTS / "runtime" / "corpus" / "records").glob("*.bin"))]
    amounts = things.Amount("cpus", 1500), things.Amount("ports", None, (things.Range(1, 5),), role="a")
    seeds += [(1, msgspec.msgpack.encode(things.Thing("thing", things.State.RUNNING, amounts[:n]))) for n in (1, 2)]
    seeds += [(2, msgspec.msgpack.encode(rows.Thing((rows.Label("k"), rows.Label("k", "v" * 40)), words=("w",))))]
    known = len(kinds)
    for number in range(RANDOM_KINDS):
        node = types.struct_of(rng)
        kinds.append(kind_of(node.type, [types.table_of(rng, node)[0] for _ in range(TABLES)], used))
        seeds += [(known + number, types.packed(rng, node, types.value_of(rng, node))) for _ in range(RECORDS)]
    unused = set(range(len(operations.SIZES))) - used
    if unused:
        raise LookupError(f"operations {sorted(unused)} of programs are in no table here; add one that has them")
    written: list[Any] = [struct.pack("=I", len(kinds)), *kinds, struct.pack("=I", len(seeds))]
    return b"".join([*written, *[struct.pack("=I", kind) + blob(data) for kind, data in seeds]])


def build(directory: Path, compiler: str) -> Path:
    """The program, compiled with the sanitizers."""
    directory.mkdir(parents=True, exist_ok=True)
    objects = []
    for name in SOURCES:
        objects.append(directory / f"{name}.o")
        source = CSRC / f"{name}.c"
        command = [compiler, *SANITIZERS, "-fsanitize-coverage=trace-pc", "-c", str(source), "-o", str(objects[-1])]
        subprocess.run(command, check=True)
    program = directory / "records"
    wraps = ["-Wl,--wrap=malloc,--wrap=realloc", "-lm"]
    harness = [compiler, *SANITIZERS, f"-I{CSRC}", "-Wall", str(TESTS / "fuzzing" / "records.c")]
    subprocess.run([*harness, *map(str, objects), *wraps, "-o", str(program)], check=True)
    return program


def main() -> int:
    """Fuzz; what the program found is its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path(".ci-cache/fuzz"), help="where to compile, and for findings")
    parser.add_argument("--executions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compiler", default="gcc")
    given = parser.parse_args()
    program = build(given.build, given.compiler)
    file = given.build / "cases"
    file.write_bytes(cases(given.seed))
    finding = given.build / f"finding-{given.seed}.bin"
    command = [program, file, finding, str(given.executions), str(given.seed)]
    return subprocess.run(list(map(str, command)), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
