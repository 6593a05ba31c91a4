"""Rule: tests never sleep and never poll the wall clock, and no code drops an exception without a word."""

# A sleep is either too short, and the test fails on a busy machine, or too long, and all tests together take minutes.
# Wait for what is to happen: advance the virtual clock and settle, `get` a future with a timeout, `wait` for an actor.
# A handler that holds only `pass` hides the next fault together with the one it was written for.

import ast

from .source_tree import Module, full_name, full_names, import_aliases, read_folder, read_packages

SLEEPS = ("time.sleep", "asyncio.sleep")
WIDE = ("Exception", "BaseException", "")


def is_zero(node: ast.Call) -> bool:
    return bool(node.args) and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0


def sleeps(module: Module) -> list[str]:
    """Return one line for each sleep and each loop on the wall clock in ``module``; asyncio.sleep(0) only yields."""
    aliases = import_aliases(module.tree)
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            name = full_name(node.func, aliases)
            if name in SLEEPS and not (name == "asyncio.sleep" and is_zero(node)):
                found.append(f"{module.path}:{node.lineno}: {name}; wait for what is to happen instead")
        elif isinstance(node, ast.While):
            names = [name for _, name in full_names(node.test, aliases)]
            if any(name.startswith("time.") for name in names):
                found.append(f"{module.path}:{node.lineno}: a loop on the wall clock; `get` a future with a timeout")
    return found


def dropped_exceptions(module: Module) -> list[str]:
    """Return one line for each handler of every exception that does nothing."""
    handlers = [node for node in ast.walk(module.tree) if isinstance(node, ast.ExceptHandler)]
    return [
        f"{module.path}:{node.lineno}: every exception is dropped here; name the one that is expected, or log it"
        for node in handlers
        if is_wide(node.type) and all(is_empty(statement) for statement in node.body)
    ]


def is_wide(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(is_wide(entry) for entry in caught.elts)
    return caught is None or (isinstance(caught, ast.Name) and caught.id in WIDE)


def is_empty(statement: ast.stmt) -> bool:
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, (ast.Pass, ast.Continue))


def toy(text: str) -> Module:
    return Module("toy.py", "toy", text)


def test_no_test_sleeps():
    found = [line for module in read_folder("tests", "tests") for line in sleeps(module)]

    assert not found, "\n".join(found)


def test_no_exception_is_dropped():
    modules = [*read_packages(), *read_folder("tests", "tests"), *read_folder("bench", "bench")]

    found = [line for module in modules for line in dropped_exceptions(module)]

    assert not found, "\n".join(found)


def test_each_kind_of_sleep_is_caught():
    bad = [
        "import time\ntime.sleep(1)",
        "from time import sleep\nsleep(0.01)",
        "import asyncio\nasync def f():\n    await asyncio.sleep(1)",
        "import time\nwhile time.monotonic() < 5:\n    pass",
    ]
    good = [
        "import asyncio\nasync def f():\n    await asyncio.sleep(0)",
        "clock.sleep(1)",
        "command = 'sleep 60'",
    ]

    assert [len(sleeps(toy(text))) for text in bad] == [1] * len(bad)
    assert [sleeps(toy(text)) for text in good] == [[]] * len(good)


def test_each_kind_of_dropped_exception_is_caught():
    handlers = ["except: pass", "except Exception: ...", "except (ValueError, BaseException): pass"]
    narrow = ["except KeyError: pass", "except Exception: raise", "except Exception as error: log(error)"]

    assert all(len(dropped_exceptions(toy(f"try:\n    f()\n{text}"))) == 1 for text in handlers)
    assert not any(dropped_exceptions(toy(f"try:\n    f()\n{text}")) for text in narrow)
