"""Each input that a parser was ever wrong about, or that shows what strangers try, is read or refused."""

import importlib.util
import sys
from pathlib import Path

import pytest

CORPUS = Path(__file__).with_name("corpus")
FILES = sorted(path.relative_to(CORPUS).as_posix() for path in CORPUS.glob("*/*"))


@pytest.fixture(scope="session")
def targets():
    spec = importlib.util.spec_from_file_location("libactor_fuzz", Path(__file__).with_name("fuzz.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module.TARGETS
    sys.modules.pop("libactor_fuzz", None)


def test_each_target_has_a_corpus(targets):
    assert {name.partition("/")[0] for name in FILES} == set(targets)


@pytest.mark.parametrize("name", FILES)
def test_what_strangers_send_is_read_or_refused(targets, name):
    data = (CORPUS / name).read_bytes()

    outcome = targets[name.partition("/")[0]](data)

    assert outcome is None
