"""What the fetcher puts into a sandbox, or the cache, and under which name."""

import os

import pytest

from mesoslite.containment.fetcher.sources import name_of, shown

from .desk import Desk


def test_a_file_bears_its_name_or_the_one_it_is_given(desk: Desk):
    uri = desk.put("f", b"text")

    desk.fetch(uri, {"uri": f"file://{uri}", "name": "a/b/g"}, {"uri": f"file://localhost{uri}", "name": "x"})

    assert desk.found() == {"f": "text", "a/b/g": "text", "x": "text"}


def test_an_executable_can_be_run_and_is_not_unpacked(desk: Desk):
    uri = desk.put("f.gz", b"no archive")

    desk.fetch({"uri": uri, "executable": True}, {"uri": uri, "name": "plain"})

    assert (desk.sandbox / "f.gz").stat().st_mode & 0o777 == 0o755
    assert (desk.sandbox / "plain").stat().st_mode & 0o777 == 0o644


def test_of_two_files_of_one_name_the_later_is_there(desk: Desk):
    first = desk.put("f", b"first")
    (desk.sources / "more").mkdir()
    second = desk.put("more/f", b"2nd")

    desk.fetch(first, second)

    assert desk.found() == {"f": "2nd"}


def test_a_relative_path_is_below_the_home_of_frameworks(desk: Desk):
    desk.put("f", b"text")

    desk.fetch("f", frameworks_home=str(desk.sources))

    assert desk.found() == {"f": "text"}
    assert "--frameworks-home" in desk.refused("f")


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("hdfs://h/f", "nobody here knows the scheme 'hdfs'; there are file, http, https, ftp"),
        ("s3://b/f", "the scheme 's3'"),
        ("/none/such", "No such file"),
        ("/dev/null", "it is no plain file"),
        ("/dev/", "ends in no name"),
        ("file://elsewhere/f", "a file of another host"),
    ],
)
def test_what_cannot_be_fetched_is_named_with_the_reason(desk: Desk, uri: str, problem: str):
    message = desk.refused(uri)

    assert message.startswith(f"Failed to fetch {uri!r}: ")
    assert problem in message


def test_a_named_pipe_is_not_waited_for(desk: Desk):
    os.mkfifo(desk.sources / "pipe")

    assert "no plain file" in desk.refused(str(desk.sources / "pipe"))


def test_a_uri_is_shown_without_its_password():
    assert shown("http://me:secret@h:1/a@b") == "http://h:1/a@b"
    assert name_of("http://h/a/b?c=d") == "b?c=d"


def test_a_file_of_the_cache_is_only_its_agents(desk: Desk):
    kept = desk.place / "c1"

    desk.fetch(desk.put("f", b"text"), file=str(kept))

    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("text", 0o600)
    assert desk.found() == {}


def test_what_is_too_large_for_the_cache_is_told_as_such(desk: Desk):
    uri = desk.put("f", b"text")

    assert "more than there is room for" in desk.refused(uri, file=str(desk.place / "c1"), bytes_max=3)
    assert (desk.place / "c1").stat().st_size == 0
