"""Fuzzing records and projections in C, guided by the edges that inputs go over: python tests/fuzzing/records.py."""

# Who calls: .ci/fuzz, for `make fuzz`. tests/fuzzing/records.c, which this compiles, says what is looked at.
# Kinds: those of the corpus and of the tests of projections, and random ones, each with some tables. Inputs to begin
#   with: tests/runtime/corpus/records, and random records. The same options find the same.
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


def kind_of(kind: type[msgspec.Struct], tables: list[p.Value]) -> bytes:
    """A struct class and tables for it, as records.c reads them."""
    shapes, choices = table_of(kind).pack()
    hot = range(min(HOT_MAX, len(kind.__struct_fields__)))
    parts = [blob(shapes), blob(choices), blob(struct.pack(f"={len(hot)}I", *hot)), struct.pack("=I", len(tables))]
    for table in tables:
        code, words, layout, pool = finish(kind, table.write)
        parts.append(blob(code) + struct.pack("=3I", words, layout, len(pool)) + blob(pool))
    return b"".join(parts)


def cases(seed: int) -> bytes:
    """All kinds and seeds."""
    rng = random.Random(seed)
    types, fuzz = load(TESTS / "fuzzing" / "random_types.py"), load(TESTS / "runtime" / "fuzz.py")
    things = load(TESTS / "runtime" / "test_projection.py")
    fields = [p.Key(name, p.Field(name)) for name in ("name", "number", "data", "healthy", "anything")]
    labels = p.Each("statuses", p.Object(p.Key("s", p.Choice("state")), p.Key("l", p.Each("labels", p.Field()))))
    message = p.Object(*fields, p.Key("statuses", labels), p.Key("resources", p.Pairs("resources", p.Field())))
    kinds = [kind_of(fuzz.Message, [message]), kind_of(things.Thing, [things.TABLE])]
    seeds = [(0, path.read_bytes()) for path in sorted((TESTS / "runtime" / "corpus" / "records").glob("*.bin"))]
    amounts = things.Amount("cpus", 1500), things.Amount("ports", None, (things.Range(1, 5),))
    seeds += [(1, msgspec.msgpack.encode(things.Thing("thing", things.State.RUNNING, amounts)))]
    for number in range(RANDOM_KINDS):
        node = types.struct_of(rng)
        kinds.append(kind_of(node.type, [types.table_of(rng, node)[0] for _ in range(TABLES)]))
        seeds += [(2 + number, types.packed(rng, node, types.value_of(rng, node))) for _ in range(RECORDS)]
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
