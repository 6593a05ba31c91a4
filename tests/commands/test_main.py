"""The entry point: help, version, demo; and that asking for help does not load what only running needs."""

import subprocess
import sys
import types

import pytest
from typer.testing import CliRunner

import mesoslite
from mesoslite.cli.main import app


def test_help_lists_the_commands():
    result = CliRunner().invoke(app, ["--help"])

    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.split("Commands:")[1].splitlines() if line.strip()] == [
        "dev",
        "master",
        "agent",
        "run",
        "why",
        "sim",
        "demo",
        "version",
        "allocator",
    ]


def test_no_line_of_the_list_of_commands_is_cut():
    output = CliRunner().invoke(app, ["--help"]).output

    lines = output.split("Commands:")[1].split("\n")
    assert not [line for line in lines if line.endswith(("...", "…"))]


def test_no_command_at_all_shows_the_help():
    result = CliRunner().invoke(app, [])

    assert "Usage: mesoslite" in result.output


@pytest.mark.parametrize("argument", ["version", "--version"])
def test_version_names_ours_and_the_apis(argument):
    result = CliRunner().invoke(app, [argument])

    assert result.output == "mesoslite 0.1.0 (Mesos API 1.12.0)\n"


def test_the_package_knows_its_version():
    assert mesoslite.__version__ == "0.1.0"


def test_the_package_has_no_other_attribute_by_surprise():
    with pytest.raises(AttributeError, match="no attribute '__versions__'"):
        mesoslite.__versions__


@pytest.mark.real
def test_the_package_can_be_run_as_a_module():
    command = [sys.executable, "-m", "mesoslite", "--version"]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout == "mesoslite 0.1.0 (Mesos API 1.12.0)\n"


@pytest.mark.parametrize("status", [0, 1])
def test_demo_exits_as_the_example_does(monkeypatch, status):
    example = types.ModuleType("mesoslite.examples.embed_master")
    example.main = lambda arguments: status
    monkeypatch.setitem(sys.modules, "mesoslite.examples.embed_master", example)

    assert CliRunner().invoke(app, ["demo"]).exit_code == status


def test_every_exit_status_of_run_is_in_its_help():
    output = CliRunner().invoke(app, ["run", "--help"]).output

    assert all(status in output for status in ("128+n", "130", "120", "121", "122", "123", "124"))


@pytest.mark.real
def test_asking_for_help_loads_neither_server_nor_client_libraries():
    heavy = {"uvicorn", "uvloop", "httpx2", "rich"}
    program = f"import sys, mesoslite.cli.main; print(sorted({heavy} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
