"""What clients write into headers and queries is hostile: each parser of ours takes it apart or refuses it, no more."""

import base64
import json
import math
import string
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libactor.http.basic import parse_basic
from libactor.http.durations import UNITS_NS, parse_duration
from libactor.http.files import Unsatisfiable, parse_range
from libactor.http.jsonp import as_script
from libactor.http.negotiation import accepts_encoding, accepts_media, quality
from libactor.http.realms import credentials, make_challenge

pytestmark = pytest.mark.coreless

# What was tried on these parsers and on others of their kind. Every parser gets every line.
CORPUS = json.loads((Path(__file__).parent / "corpus" / "http_parsers.json").read_text())


def corpus(test):
    """Have ``test`` tried with every line of the corpus too."""
    for line in CORPUS:
        test = example(line)(test)
    return test


def refused(function, *arguments):
    """Whether ``function`` raises a ValueError that says what was got and what was expected."""
    try:
        function(*arguments)
    except ValueError as error:
        return "got" in str(error) and "expected" in str(error) and len(str(error)) < 400
    return False


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5secs", 5), ("100ms", 0.1), ("1.5mins", 90), ("2hrs", 7200), ("1days", 86400), ("1weeks", 604800),
        (".5secs", 0.5), ("5.secs", 5), ("3us", 3e-6), ("7ns", 7e-9), ("0secs", 0),
    ],
)  # fmt: skip
def test_durations_are_a_number_and_a_unit(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "secs",
        "5 secs",
        "-5secs",
        "5Secs",
        "1e3secs",
        "infsecs",
        "5secs\n",
        "٣secs",
        "9" * 20 + "weeks",
        "101weeksx",
    ],
)
def test_what_is_no_duration_is_refused(text):
    assert refused(parse_duration, text)


@corpus
@given(st.text())
def test_a_duration_is_a_finite_number_of_seconds_or_refused(text):
    assert refused(parse_duration, text) or 0 <= parse_duration(text) < math.inf


@given(st.integers(0, 10**6), st.sampled_from(sorted(UNITS_NS)))
def test_every_unit_is_understood(number, unit):
    years = number * UNITS_NS[unit] / 1e9 > 100 * 365 * 86400

    assert years == refused(parse_duration, f"{number}{unit}")


# LP EncoderTest.AcceptableEncodings
def test_gzip_is_taken_where_its_weight_or_that_of_any_is_above_zero():
    refusing = [
        "gzip;q=0.0,*", "compress", "compress, gzip;q=0.0", "*, gzip;q=0.0", "*;q=0.0, compress", "\n compress",
        "compress,\tgzip;q=0.0", "gzip;q=x", "gzip;q=2", "",
    ]  # fmt: skip
    taking = ["compress, gzip;q=0.1", "gzip", "*", "*;q=0.1", "*;q=0.0, gzip", "GZIP;Q=0.001", "gzip ; q=1.000"]

    assert not any(accepts_encoding(header, "gzip") for header in refusing)
    assert all(accepts_encoding(header, "gzip") for header in taking)
    assert not accepts_encoding(None, "gzip")


# LP HTTPTest.Accepts
def test_a_media_type_is_taken_by_its_name_its_family_or_any():
    assert accepts_media(None, "text/plain")
    assert accepts_media(" ", "text/plain")
    assert accepts_media("text/*", "text/plain")
    assert accepts_media("text/html, */*;q=0.1", "text/plain")
    assert not accepts_media("text/*;q=0, */*", "text/plain")
    assert not accepts_media("text/plain;q=0.0, text/*", "text/plain")
    assert not accepts_media("application/json", "text/plain")


@corpus
@given(st.text(alphabet="gzip*,;q=01. \t", max_size=40))
def test_a_weight_is_between_zero_and_one_whatever_the_header(header):
    assert 0 <= quality(header, "gzip", "*") <= 1


@given(st.text(), st.text())
def test_name_and_password_come_back_as_they_were_sent(name, password):
    name = name.replace(":", "")
    try:
        encoded = base64.b64encode(f"{name}:{password}".encode()).decode()
    except UnicodeEncodeError:  # a lone surrogate, which no client can send
        return

    assert parse_basic(f"bAsIc  {encoded} ") == (name, password)


@corpus
@given(st.one_of(st.text(), st.binary().map(lambda data: "Basic " + base64.b64encode(data).decode())))
def test_an_authorization_is_a_name_and_a_password_or_none(header):
    found = parse_basic(header)

    assert found is None or (len(found) == 2 and ":" not in found[0])


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic YQ==",
        "Basic YTpi!",
        "Basic /zpi",
        "Bearer YTpi",
        "Basic YTpi YTpi",
        "Basic " + "YTpi" * 4096,
    ],
)
def test_what_is_no_name_and_password_is_none(header):
    assert parse_basic(header) is None


def test_credentials_are_for_one_scheme():
    assert credentials("bearer  a.b", "Bearer") == "a.b"
    assert credentials("Bearer", "Bearer") == ""
    assert credentials("Basic a", "Bearer") is None
    assert credentials(None, "Bearer") is None


def test_a_challenge_quotes_what_it_says():
    assert make_challenge("Basic", 'a "b" \\') == 'Basic realm="a \\"b\\" \\\\"'
    assert all(refused(make_challenge, "Basic", realm) for realm in ("", "a\r\nX: y", "é", 5))


@pytest.mark.parametrize("callback", ["update", "angular.callbacks._7", "$", "a.b[0].c", "jQuery123_4"])
def test_a_script_calls_the_function(callback):
    assert as_script(callback, b'{"a":1}') == callback.encode() + b'({"a":1});'


@pytest.mark.parametrize(
    "callback",
    [
        "",
        "1a",
        "a b",
        "a;b",
        "a()",
        "a['b']",
        "a.",
        ".a",
        "a[",
        "a[b]",
        "a\n",
        "é",
        "<script>",
        "a" * 257,
        "alert(1)//",
    ],
)
def test_what_is_no_name_of_a_function_is_refused(callback):
    assert refused(as_script, callback, b"1")


@corpus
@given(st.text(alphabet=string.printable, max_size=30))
def test_a_script_is_nothing_but_one_call(callback):
    if not refused(as_script, callback, b"1"):
        script = as_script(callback, b"1").decode()
        assert script.endswith("(1);")
        assert set(script[:-4]) <= set(string.ascii_letters + string.digits + "_$.[]")


@given(st.text())
def test_a_script_has_no_line_separators(text):
    value = json.dumps(text, ensure_ascii=False).encode(errors="replace")

    script = as_script("f", value).decode()

    assert not {"\u2028", "\u2029"} & set(script)
    assert json.loads(script[2:-2]) == json.loads(value)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, None), ("bytes=0-9", (0, 10)), ("bytes=5-", (5, 95)), ("bytes=-5", (95, 5)), ("bytes=-500", (0, 100)),
        ("bytes=99-500", (99, 1)), ("bytes=5-1", None), ("bytes=-", None), ("bytes=0-1,5-6", None), ("lines=0-1", None),
    ],
)  # fmt: skip
def test_a_range_is_a_first_byte_and_a_number_of_bytes(header, found):
    assert parse_range(header, 100) == found


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_behind_the_end_cannot_be_had(header):
    with pytest.raises(Unsatisfiable):
        parse_range(header, 100)


@corpus
@given(st.one_of(st.text(), st.from_regex(r"bytes=[0-9]{0,4}-[0-9]{0,4}", fullmatch=True)))
def test_a_range_is_never_empty_nor_outside_of_the_file(header):
    for size in (0, 1, 100):
        try:
            found = parse_range(header, size)
        except Unsatisfiable:
            continue
        if found is not None:
            start, length = found
            assert start >= 0
            assert length > 0
            assert start + length <= size
