"""The reference: what `make docs` builds has every public name, with something said about it."""

import html
import inspect
import pathlib
import re

import pdoc
import pytest

import libactor
import mesoslite

TEMPLATES = pathlib.Path(__file__).parents[2] / "docs" / "reference"


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    """Text of each page by the name of its module, as `make docs` makes it."""
    folder = tmp_path_factory.mktemp("reference")
    pdoc.render.configure(template_directory=TEMPLATES, show_source=False)
    pdoc.pdoc("libactor", "mesoslite", output_directory=folder)
    return {
        ".".join(page.relative_to(folder).with_suffix("").parts): page.read_text() for page in folder.rglob("*.html")
    }


def sections(page: str) -> dict[str, str]:
    """What a page says of each name it documents: id to the text up to the next one."""
    found = re.split(r'<(?:section|div|dd) id="([\w.]+)"', page)
    texts = (html.unescape(re.sub(r"<[^>]+>", "", text)) for text in found[2::2])
    return dict(zip(found[1::2], texts, strict=True))


@pytest.mark.parametrize("package", [libactor, mesoslite], ids=lambda package: package.__name__)
def test_every_public_name_has_its_place_in_the_reference(pages, package):
    names = [name for name in package.__all__ if not inspect.ismodule(getattr(package, name))]

    said = sections(pages[package.__name__])

    assert [name for name in names if name not in said] == []


def test_what_a_class_has_from_the_core_stands_under_its_own_name(pages):
    said = sections(pages["libactor"])

    for name in ("Future.get", "Future.then", "Runtime.spawn", "Promise.set"):
        owner, method = name.split(".")
        first_words = inspect.getdoc(getattr(getattr(libactor, owner), method)).split("``")[0][:40].strip()
        assert first_words in said[name]


def test_modules_that_are_public_have_pages_of_their_own(pages):
    modules = [name for name in libactor.__all__ if inspect.ismodule(getattr(libactor, name))]

    assert [name for name in modules if f"libactor.{name}" not in pages] == []


@pytest.mark.parametrize("package", [libactor, mesoslite], ids=lambda package: package.__name__)
def test_every_public_class_and_function_says_what_it_is(package):
    silent = []
    for name in package.__all__:
        value = getattr(package, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            own = value.__doc__ if not inspect.isclass(value) else value.__dict__.get("__doc__")
            if not (own or "").strip():
                silent.append(name)

    assert silent == []
