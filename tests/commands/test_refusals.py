"""What can never work is refused at once, in one line with status 2, before anything is started or asked."""

import pytest
from typer.testing import CliRunner

from mesoslite.cli.agent import parse_attributes
from mesoslite.cli.fetcher_options import fetcher_options
from mesoslite.cli.main import app
from mesoslite.cli.master_options import COUNTS, master_options
from mesoslite.containment import FetcherOptions
from mesoslite.model import ALL_ALLOWED, AttributeItems, AttributeRanges

NO_UTF8 = "a\udcff"  # how Python hands on an argument that is no UTF-8


def invoke(*arguments):
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([""], "COMMAND is empty"),
        ([" \t\n"], "COMMAND is empty"),
        ([NO_UTF8], r"COMMAND 'a\udcff': expected text in UTF-8"),
        (["true", "--name", NO_UTF8], "--name"),
        (["true", "--env", f"A={NO_UTF8}"], "--env"),
        (["true", "--env", f"{NO_UTF8}=1"], "--env"),
        (["true", "--uri", ""], "--uri is empty; give the URI of a file"),
        (["true", "--uri", NO_UTF8], "--uri"),
        (["true", "--master", f"http://{NO_UTF8}"], "--master"),
        (["true", "--master", "http://127.0.0.1:99999"], "expected the URL of a master"),
        (["true", "--cpus", "1e-9"], "--cpus 1e-09: expected 0, or at least 0.001"),
        (["true", "--mem", "0.0009"], "--mem 0.0009: expected 0, or at least 0.001"),
    ],
)
def test_run_refuses_in_one_line(arguments, problem):
    status, output = invoke("run", *arguments)

    assert (status, output.count("\n")) == (2, 1)
    assert problem in output


def test_the_smallest_amount_is_not_refused():
    status, output = invoke("run", "true", "--cpus", "0.001", "--mem", "0.001", "--env", "NOVALUE")

    assert (status, output) == (2, "mesoslite: --env NOVALUE: expected NAME=VALUE\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--work-dir", ""], "--work-dir is empty"),
        (["--work-dir", NO_UTF8], "--work-dir"),
        (["--host", ""], "--host is empty"),
        (["--hostname", NO_UTF8], "--hostname"),
        (["--allocator", "nobody"], "nothing named 'nobody'; there are hierarchical"),
        (["--allocator", "nobody", "--probe-every", "4"], "--probe-every: only the allocator hierarchical takes it"),
        (["--role-sorter", "best"], "nothing named 'best'; there are drf, random"),
        (["--framework-sorter", ""], "nothing named ''"),
        (["--probe-every", "1"], "would always ask those first"),
        (["--probe-every", "-1"], "got -1 for probe_every"),
        (["--patience", "0"], "got 0 for patience"),
        (["--min-allocatable-resources", "cpus:many"], "cpus:many"),
        (["--min-allocatable-resources", "cpus:1|"], "no minimum of an offer"),
        (["--min-allocatable-resources", "ports:[1-2]"], "no minimum of an offer"),
        (["--fair-sharing-excluded-resource-names", "gpus,,disk"], "got '' as the name of a resource"),
        (["--allocation-interval", "0"], "--allocation-interval: got 0.0"),
        (["--allocation-interval", "nan"], "--allocation-interval: got nan"),
    ],
)
def test_dev_refuses_in_one_line(arguments, problem):
    status, output = invoke("dev", *arguments)

    assert (status, output.count("\n")) == (2, 1)
    assert problem in output


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_dev_refuses_a_port_that_is_none(port):
    status, output = invoke("dev", "--port", port)

    assert status == 2
    assert "Invalid value for '--port'" in output


def test_a_relative_work_directory_needs_one_to_start_from(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    status, output = invoke("dev", "--port", "0", "--work-dir", "here")

    assert (status, output.count("\n")) == (1, 1)
    assert "--work-dir here: the directory that it starts from is gone" in output


def test_a_work_directory_that_the_system_refuses_to_look_at_is_one_line():
    name = "n" * 300

    status, output = invoke("dev", "--port", "0", "--work-dir", name)

    assert (status, output) == (1, f"mesoslite: {name}: File name too long\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["master", "--roles", "ads,/web/"], "role '/web/' starts or ends with a slash"),
        (["master", "--roles", NO_UTF8], r"--roles 'a\udcff': expected text in UTF-8"),
        (["agent", "--attributes", f"rack:{NO_UTF8}"], "--attributes"),
        (["agent", "--fetcher-cache-size", "many"], "--fetcher-cache-size: got 'many'"),
        (["agent", "--fetcher-stall-timeout", "0secs"], "--fetcher-stall-timeout: expected more than no time"),
        (["agent", "--fetcher-cache-dir", NO_UTF8], "--fetcher-cache-dir"),
        (["agent", "--attributes", "cores:[3-1]"], "attribute 'cores' has the range 3-1"),
        (["agent", "--attributes", "cores:[1-3"], "attribute 'cores' has ranges without an end"),
        (["agent", "--attributes", "zones:{a,a}"], "attribute 'zones' has the item 'a' twice"),
        (["agent", "--executor-reregistration-timeout", "20secs"], "--executor-reregistration-timeout: got 20.0"),
        (["agent", "--executor-registration-timeout", "0"], "--executor-registration-timeout: got 0.0 seconds"),
        (["agent", "--recover", "all"], "--recover: got 'all', expected reconnect or cleanup"),
        (["agent", "--reconfiguration-policy", "any"], "--reconfiguration-policy: got 'any'"),
        (["agent", "--acls", __file__], f"--acls {__file__}: are no JSON"),
        (["master", "--acls", "{"], "--acls: are no JSON"),
        (["master", "--domain", "{"], "--domain: is no JSON"),
        (["master", "--domain", "{}"], "--domain: names no fault_domain"),
        (["agent", "--domain", __file__], f"--domain {__file__}: is no JSON"),
        (
            ["agent", "--domain", '{"fault_domain": {"region": {"name": "a"}}}'],
            "--domain: fault_domain.zone: is missing",
        ),
        (["master", "--require-agent-domain"], "--require-agent-domain: no agent could join a master without a domain"),
    ],
)
def test_master_and_agent_refuse_in_one_line(arguments, problem):
    status, output = invoke(*arguments)

    assert (status, output.count("\n")) == (2, 1)
    assert problem in output


# Source: Mesos src/common/roles.cpp (parse), whose tokenize drops what is empty.
@pytest.mark.parametrize(
    ("text", "served"),
    [
        ("ads,,web,", {"*", "ads", "web"}),
        ("", {"*"}),
        (",", {"*"}),
        ("ads,ads,*", {"*", "ads"}),
        (" ads , web", {"*", "ads", "web"}),
    ],
)
def test_of_the_roles_of_a_master_empty_ones_are_none(text, served):
    flags = dict.fromkeys(["root_submissions", "publish_per_framework_metrics", "authenticate_http_frameworks"], True)
    flags["require_agent_domain"] = False
    left_out = dict.fromkeys([*COUNTS, "offer_timeout", "heartbeat_interval"])
    options = master_options({**left_out, **flags, "roles": text}, ALL_ALLOWED, None)

    assert options.served_roles == served


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2.5", 2.5),
        ("-1e3", -1000.0),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1e999", "1e999"),
        ("1_0", "1_0"),
        ("a b", "a b"),
        ("[7-9,1-3, 2-4]", AttributeRanges(((1, 4), (7, 9)))),
        ("{b, a}", AttributeItems(("a", "b"))),
    ],
)
def test_an_attribute_is_a_number_only_if_it_is_written_as_one(text, value):
    [attribute] = parse_attributes(f"rack:{text}")

    assert attribute.value == value


def test_what_an_agent_fetches_with_is_as_its_options_say(tmp_path):
    names = ("fetcher_cache_dir", "fetcher_cache_size", "fetcher_stall_timeout", "frameworks_home")

    told = fetcher_options(dict(zip(names, ("/a", "3MB", "2mins", f"{tmp_path}"), strict=True)))

    assert told == FetcherOptions("/a", 3 << 20, 120.0, f"{tmp_path}")
    assert fetcher_options(dict.fromkeys(names)) == FetcherOptions(None, 2 << 30, 60.0, "")
