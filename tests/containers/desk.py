"""A sandbox that the fetcher fetches into, and archives to fetch."""

# Who calls: the tests of the fetcher's program, test_fetched_*.py and test_fetcher_program.py.

import io
import os
import tarfile
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mesoslite.containment.fetcher.main import Failure, run

BOUND_SECONDS = 60.0


class Desk:
    """A sandbox, a directory with what is to be fetched, and a secret beside both."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.sandbox, self.sources = place / "sandbox", place / "sources"
        self.sandbox.mkdir()
        self.sources.mkdir()
        self.secret = place / "secret"
        self.secret.write_text("kept")

    def put(self, name: str, content: bytes) -> str:
        (self.sources / name).write_bytes(content)
        return str(self.sources / name)

    def fetch(self, *items: dict[str, Any] | str, **job: Any) -> None:
        usual = {"name": "", "executable": False, "extract": True, "kept": None}
        whole = [{**usual, **(item if isinstance(item, dict) else {"uri": item})} for item in items]
        given = {
            "items": whole,
            "identity": None,
            "directory": str(self.sandbox),
            "file": "",
            "bytes_max": 1 << 40,
            "stall_seconds": BOUND_SECONDS,
            "frameworks_home": "",
            **job,
        }
        with ExitStack() as files:
            run(given, files)

    def refused(self, *items: dict[str, Any] | str, **job: Any) -> str:
        with pytest.raises(Failure) as failure:
            self.fetch(*items, **job)
        return str(failure.value)

    def found(self) -> dict[str, str]:
        """What is in the sandbox: the texts of files, and where links lead."""
        paths = [path for path in self.sandbox.rglob("*") if path.is_symlink() or path.is_file()]
        return {str(path.relative_to(self.sandbox)): text_of(path) for path in paths}


def text_of(path: Path) -> str:
    """The text of a file, or where a link leads."""
    return f"-> {os.readlink(path)}" if path.is_symlink() else path.read_bytes().decode(errors="replace")


def tarred(*members: tuple[str, dict[str, Any], bytes], mode: str = "w") -> bytes:
    """An archive of members: name, fields of their TarInfo, content."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, fields, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for key, value in fields.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def zipped(*members: tuple[str, int, bytes]) -> bytes:
    """An archive of members: name, mode with the type of the file, content."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, mode, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return file.getvalue()
