"""Random struct classes, values, encodings and tables of projections, each with what has to come of it."""

# Who uses it: tests/records/test_random_types.py, which lets hypothesis choose the seeds; tests/fuzzing/records.py,
#   which needs programs, and records to begin with.
# Everything is drawn from a random.Random. A table comes with its oracle: a function from the decoded struct to what
#   json reads, objects as lists of pairs, so that the order of members and names that occur twice are seen.

import base64
import enum
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from libactor.records import projection as p

NESTING = 3
Oracle = Callable[[Any], Any]


class Small(enum.Enum):
    LEAST = -7
    NONE = 0
    MUCH = 300


class Wide(enum.IntEnum):
    LEAST = 2**31 - 2
    MOST = 2**31 + 9


@dataclass
class Node:
    """A type: one of SCALARS, or "enum", "array", "map", "struct"."""

    form: str
    type: Any
    inner: "Node | None" = None
    fields: "tuple[Field, ...]" = ()
    nullable: bool = False


@dataclass
class Field:
    name: str
    node: Node
    default: Any = msgspec.NODEFAULT


class Pairs(list[Any]):
    """An object, as its members."""


SCALARS = {"bool": bool, "int": int, "float": float, "str": str, "bytes": bytes, "any": Any}
TEXTS = ("", "a", "é", '"\\\n', "\x00\x1f", "x" * 31, "y" * 33, "\u2028\U0001f600", "*", "cpus")
NUMBERS = (0, 1, -1, 31, -32, -33, 127, 128, 255, 256, 65535, 65536, 2**31, 2**32, 2**53, -(2**63), 2**63 - 1)
FLOATS = (0.0, -0.0, 0.1, 1.5, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 2.0**53, float("inf"), float("-inf"))

# --- types ---


def node_of(rng: random.Random, depth: int = 0) -> Node:
    form = rng.choice([*SCALARS, "enum", *(["array", "map", "struct"] * 2 if depth < NESTING else [])])
    if form == "struct":
        node = struct_of(rng, depth + 1)
    elif form in ("array", "map"):
        inner = node_of(rng, depth + 1)
        node = Node(form, tuple[inner.type, ...] if form == "array" else dict[str, inner.type], inner)
    else:
        node = Node(form, rng.choice([Small, Wide]) if form == "enum" else SCALARS[form])
    if form != "any" and rng.random() < 0.25:
        node.nullable, node.type = True, node.type | None
    return node


def struct_of(rng: random.Random, depth: int = 0) -> Node:
    """A struct class whose later fields have defaults."""
    count = rng.randint(1, 6)
    required = rng.randint(0, count)
    fields = []
    for number in range(count):
        field = Field(f"f{number}", node_of(rng, depth))
        if number >= required:
            field.default = value_of(rng, field.node)
        fields.append(field)
    return struct_from(tuple(fields))


def struct_from(fields: tuple[Field, ...]) -> Node:
    rows = [
        (field.name, field.node.type)
        if field.default is msgspec.NODEFAULT
        else (field.name, field.node.type, msgspec.field(default_factory=lambda value=field.default: value))
        for field in fields
    ]
    return Node("struct", msgspec.defstruct("Struct", rows, array_like=True, frozen=True), None, fields)


# --- values and encodings ---


def value_of(rng: random.Random, node: Node) -> Any:
    if node.nullable and rng.random() < 0.3:
        return None
    if node.form == "struct":
        kind = node.type if isinstance(node.type, type) else node.type.__args__[0]
        return kind(*[value_of(rng, field.node) for field in node.fields])
    if node.inner is not None:
        count = rng.choice([0, 1, 2, 3, 3, 17 if rng.random() < 0.1 else 1])
        items = [value_of(rng, node.inner) for _ in range(count)]
        return tuple(items) if node.form == "array" else dict(zip(map(str, range(count)), items, strict=True))
    return scalar_of(rng, node)


def scalar_of(rng: random.Random, node: Node, depth: int = 0) -> Any:
    form = node.form
    if form == "enum":
        kind = node.type if isinstance(node.type, type) else node.type.__args__[0]
        return rng.choice(list(kind))
    if form == "any":
        form = rng.choice(["nil", "bool", "int", "float", "str", "bytes", *(["list", "dict"] if depth < 3 else [])])
    if form in ("list", "dict"):
        items = [scalar_of(rng, node, depth + 1) for _ in range(rng.randint(0, 3))]
        return items if form == "list" else {rng.choice(TEXTS) + str(n): one for n, one in enumerate(items)}
    return {
        "nil": lambda: None,
        "bool": lambda: rng.random() < 0.5,
        "int": lambda: rng.choice((*NUMBERS, 2**64 - 1, rng.randint(-(2**63), 2**64 - 1))),
        "float": lambda: rng.choice((*FLOATS, rng.uniform(-1e6, 1e6), struct.unpack("=d", rng.randbytes(8))[0])),
        "str": lambda: rng.choice(TEXTS),
        "bytes": lambda: rng.randbytes(rng.choice([0, 1, 2, 3, 40])),
    }[form]()


def packed(rng: random.Random, node: Node, value: Any, more: bool = True) -> bytes:
    """A value as any sender might write it: fields left out that have their default, `more` added, heads too wide."""
    if value is None:
        return b"\xc0"
    if node.form == "struct":
        given = [packed(rng, field.node, getattr(value, field.name)) for field in node.fields]
        while given and rng.random() < 0.5:
            field = node.fields[len(given) - 1]
            if field.default is msgspec.NODEFAULT or repr(field.default) != repr(getattr(value, field.name)):
                break
            given.pop()
        else:
            if more and len(given) == len(node.fields) and rng.random() < 0.2:
                given += [msgspec.msgpack.encode(scalar_of(rng, Node("any", Any)))]
        return _head(rng, 0x90, 16, 0xDC, len(given)) + b"".join(given)
    if node.inner is not None and node.form == "array":
        return _head(rng, 0x90, 16, 0xDC, len(value)) + b"".join([packed(rng, node.inner, one) for one in value])
    if node.inner is not None:
        pairs = [_text(rng, key) + packed(rng, node.inner, one) for key, one in value.items()]
        return _head(rng, 0x80, 16, 0xDE, len(value)) + b"".join(pairs)
    if node.form == "str":
        return _text(rng, value)
    if node.form == "float":
        return _float(rng, value)
    if node.form == "int" and rng.random() < 0.3:
        return b"\xcf" + value.to_bytes(8) if value >= 0 else b"\xd3" + value.to_bytes(8, signed=True)
    return msgspec.msgpack.encode(value)


def _head(rng: random.Random, short: int, room: int, wide: int, count: int) -> bytes:
    if count < room and rng.random() < 0.8:
        return bytes([short | count])
    return bytes([wide]) + count.to_bytes(2) if rng.random() < 0.5 else bytes([wide + 1]) + count.to_bytes(4)


def _text(rng: random.Random, text: str) -> bytes:
    data = text.encode()
    return _head(rng, 0xA0, 32, 0xDA, len(data)) + data


def _float(rng: random.Random, number: float) -> bytes:
    if abs(number) < 2**53 and number == int(number) and str(number) != "-0.0" and rng.random() < 0.3:
        return msgspec.msgpack.encode(int(number))
    try:
        narrow = struct.pack(">f", number)
    except OverflowError:
        narrow = b""
    if narrow and struct.unpack(">f", narrow)[0] == number and rng.random() < 0.3:
        return b"\xca" + narrow
    return b"\xcb" + struct.pack(">d", number)


# --- tables ---


def plain(value: Any) -> Any:
    """What may be anything, as json reads it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return Pairs([(key, plain(one)) for key, one in value.items()])
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def table_of(rng: random.Random, node: Node) -> tuple[p.Value, Oracle]:
    """A table for a struct."""
    members = members_of(rng, node, 0)
    return p.Object(*[member for member, _ in members]), lambda value: Pairs(_all(members, value))


def _all(members: list[tuple[p.Member, Oracle]], value: Any) -> list[Any]:
    return [pair for _, oracle in members for pair in oracle(value)]


def members_of(rng: random.Random, node: Node, depth: int) -> list[tuple[p.Member, Oracle]]:
    members = []
    for field in rng.choices(node.fields, k=rng.randint(1, len(node.fields) + 2)):
        found = member_of(rng, node, field, depth)
        if found is not None:
            members.append(found)
    return members


def member_of(rng: random.Random, node: Node, field: Field, depth: int) -> tuple[p.Member, Oracle] | None:
    name, form = field.name, field.node.form
    choice = rng.random()
    if choice < 0.3 and depth < NESTING:
        return condition_of(rng, node, field, depth)
    if form == "struct" and choice < 0.5:
        inner = members_of(rng, field.node, depth + 1)
        within = p.Within(name, *[member for member, _ in inner])
        return within, lambda value: [] if (one := getattr(value, name)) is None else _all(inner, one)
    if form == "array" and field.node.inner.form == "struct" and not field.node.inner.nullable and choice < 0.5:
        inner = members_of(rng, field.node.inner, depth + 1)
        if rng.random() < 0.4:
            alone = p.IfOnly(name, *[member for member, _ in inner])
            return alone, lambda value: _all(inner, one[0]) if len(one := getattr(value, name) or ()) == 1 else []
        each = p.ForEach(name, *[member for member, _ in inner])
        return each, lambda value: [pair for one in getattr(value, name) or () for pair in _all(inner, one)]
    found = value_in(rng, field.node, name, depth)
    if found is None:
        return None
    table, oracle = found
    if form == "str" and not field.node.nullable and choice < 0.6:
        return p.Named(name, table), lambda value: [(getattr(value, name), oracle(getattr(value, name)))]
    key = rng.choice(TEXTS)
    return p.Key(key, table), lambda value: [(key, oracle(getattr(value, name)))]


def is_plain(node: Node) -> bool:
    """Whether it is the same whenever it is written alike: without structs, whose fields may be left out."""
    return node.form not in ("any", "struct") and (node.inner is None or is_plain(node.inner))


def condition_of(rng: random.Random, node: Node, field: Field, depth: int) -> tuple[p.Member, Oracle]:
    name = field.name
    there, missing = members_of(rng, node, depth + 1), members_of(rng, node, depth + 1) if rng.random() < 0.5 else []
    given = [member for member, _ in there]
    otherwise = tuple([member for member, _ in missing])
    same = [one for one in node.fields if one.node.type == field.node.type and is_plain(one.node)]
    tests: list[tuple[p.Member, Oracle]] = [
        (p.IfThere(name, *given, otherwise=otherwise), lambda value: getattr(value, name) is not None),
        (p.IfTrue(name, *given, otherwise=otherwise), lambda value: getattr(value, name) not in (None, False)
         or type(getattr(value, name)) in (int, float)),
    ]  # fmt: skip
    if field.node.form != "struct":
        empties: tuple[Any, ...] = (None, "", b"", (), [], {})
        tests.append((p.IfFilled(name, *given, otherwise=otherwise), lambda value: getattr(value, name) not in empties))
    if field.node.form in ("str", "int", "bool", "enum"):
        constants = (rng.choice(TEXTS), rng.choice(NUMBERS[:12]), rng.random() < 0.5, rng.choice(list(Small)))
        constant = constants[("str", "int", "bool", "enum").index(field.node.form)]
        if field.node.form == "enum" and Small not in (field.node.type, *getattr(field.node.type, "__args__", ())):
            constant = Wide.LEAST
        test = p.IfEquals(name, constant, *given, otherwise=otherwise)
        tests.append((test, lambda value: getattr(value, name) == constant))
    if same:
        other = rng.choice(same).name
        test = p.IfDiffers(name, other, *given, otherwise=otherwise)
        tests.append((test, lambda value: getattr(value, name) != getattr(value, other)))
    member, is_so = rng.choice(tests)
    return member, lambda value: _all(there if is_so(value) else missing, value)


def value_in(rng: random.Random, node: Node, name: str, depth: int) -> tuple[p.Value, Oracle] | None:
    """What writes a field, or an item, of this type; the oracle takes its value."""
    if node.form == "struct":
        members = members_of(rng, node, depth + 1)
        table = p.Nest(name, p.Object(*[member for member, _ in members]))
        return table, lambda value: None if value is None else Pairs(_all(members, value))
    if node.inner is not None:
        return parts_in(rng, node, node.inner, name, depth)
    forms: list[tuple[p.Value, Oracle]] = []
    if node.form == "enum":
        forms = [(p.Choice(name), lambda value: value.name), (p.Choice(name, {"LEAST": 'a "b"'}), _other_name)]
    elif node.form == "float":
        forms = [(p.Field(name), float), (p.Float(name), float), (p.Scaled(name, 3), lambda value: value / 1e3)]
    else:
        forms = [(p.Field(name), plain)]
    if node.form == "int":
        power = rng.randint(0, 9)
        forms += [(p.Float(name), float), (p.Scaled(name, power), lambda value: float(value) / 10.0**power)]
    if node.form == "bytes":
        forms.append((p.Base64(name), plain))
    table, oracle = rng.choice(forms)
    return table, lambda value: None if value is None else oracle(value)


def _other_name(value: enum.Enum) -> str:
    return 'a "b"' if value.name == "LEAST" else value.name


def parts_in(rng: random.Random, node: Node, inner: Node, name: str, depth: int) -> tuple[p.Value, Oracle] | None:
    if inner.form in ("bool", "int", "str", "bytes", "any") and not inner.nullable and rng.random() < 0.4:
        if node.form == "array" and inner.form == "str" and rng.random() < 0.5:
            return p.Items(name), lambda value: None if value is None else "{" + ", ".join(value) + "}"
        return p.Field(name), plain
    if inner.form == "struct":
        if inner.nullable:
            return None
        members = members_of(rng, inner, depth + 1)
        texts = [one.name for one in inner.fields if one.node.form == "str"]
        if node.form == "array" and texts and rng.random() < 0.6:
            return chosen_in(rng, inner, name, rng.choice(texts), members)
        found: Any = p.Object(*[one for one, _ in members]), lambda value: Pairs(_all(members, value))
    else:
        found = value_in(rng, inner, p.ITEM, depth + 1)
    if found is None:
        return None
    table, oracle = found
    if node.form == "array":
        return p.Each(name, table), lambda value: [oracle(one) for one in value or ()]
    return p.Pairs(name, table), lambda value: Pairs([(key, oracle(one)) for key, one in (value or {}).items()])


def chosen_in(
    rng: random.Random, inner: Node, name: str, field: str, members: list[tuple[p.Member, Oracle]]
) -> tuple[p.Value, Oracle]:
    """An array of structs of which some are left out, or which are grouped, by the text in a field."""
    text = rng.choice(TEXTS)
    table = p.Object(*[one for one, _ in members])
    is_nullable = next(one for one in inner.fields if one.name == field).node.nullable
    if is_nullable or rng.random() < 0.5:
        only = p.Each(name, table, (field, text))
        return only, lambda value: [Pairs(_all(members, one)) for one in value or () if getattr(one, field) == text]

    def groups(value: Any) -> Pairs:
        found: dict[str, list[Any]] = {}
        for one in value or ():
            if getattr(one, field) != text:
                found.setdefault(getattr(one, field), []).append(Pairs(_all(members, one)))
        return Pairs(sorted(found.items(), key=lambda pair: pair[0].encode()))

    return p.Groups(name, field, table, text), groups
