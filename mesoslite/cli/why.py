"""`mesoslite why`: why a task of a running cluster waits, how it goes, or how it ended."""

from typing import Annotated, Any

import typer

from .dev import MASTER_DEFAULT
from .failure import USAGE, fail, first_line, refuse_bytes, say


def why(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The id of the task, or its name.", show_default=False)],
    framework: Annotated[
        str | None,
        typer.Option(help="Its framework: an id, the last part of it, or a name; left out, any that has such a task."),
    ] = None,
    master: Annotated[str, typer.Option(help="URL of the master.", envvar="MESOSLITE_MASTER")] = MASTER_DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the master's answer as JSON.")] = False,
) -> None:
    """Say why a task is pending, how it goes, or how it ended.

    Of a task that the master knows: all that happened to it, with times and reasons. Of one that it does not know: what
    its framework has done with offers so far, and why the allocator makes it the offers that it gets, or none. Of
    several tasks of one name it says how they are. Of a message of several lines it shows the first, --json all.

    Exit status: 0; 1 if the master cannot be reached, or knows neither the task nor the framework; 2 for options that
    can never work.
    """
    for option, text in (("TASK", task), ("--framework", framework or ""), ("--master", master)):
        refuse_bytes(option, text)
    if not task:
        fail("TASK is empty; give the id or the name of a task", USAGE)
    if framework == "":
        fail("--framework is empty; give an id or a name, or leave it out to ask about any", USAGE)

    from .master_client import ask

    parameters = {"task": task} | ({} if framework is None else {"framework": framework})
    body, document = ask(master, "/mesoslite/why", parameters)
    if as_json:
        say(body)
        return
    named = document.get("named", 0)
    if named > 1:
        _show_named(task, named, document["stories"])
    for story in document["stories"] if named <= 1 else ():
        _show_story(story)
    if "framework" in document:
        _show_framework(task, document["framework"])
        from .allocator import show

        _, explained = ask(master, "/mesoslite/allocator/explain", {"framework": document["framework"]["id"]})
        say("")
        show(explained)


def _show_named(name: str, count: int, stories: list[dict[str, Any]]) -> None:
    """How each of several tasks of one name is; of the rest, how many there are."""
    say(f"{count} tasks are named {name}{'' if count == len(stories) else f', the newest {len(stories)} of them'}:")
    for story in stories:
        _show_head(story, "  ")
    say("Next:  mesoslite why ID, of one of them")


def _show_head(story: dict[str, Any], margin: str = "") -> None:
    who = story["framework"]
    state = story["state"] or "not launched"
    say(f"{margin}Task {story['task']} of framework {who['name']} ({who['id']}, {who['standing']}): {state}")


def _show_story(story: dict[str, Any]) -> None:
    _show_head(story)
    answer = first_line(story["answer"])
    say(f"{answer[0].upper()}{answer[1:]}")
    service = story["service"]
    if service is not None:
        lasts = f" for {service['duration']:g} s" if service["duration"] is not None else ""
        say(f"Its agent is to be serviced from {_clock(service['start'])}{lasts}; {service['text']}")
    for number, each in enumerate(story["happenings"]):
        say(f"  {_clock(each['time'])}  {first_line(each['text'])}")
        if number == 0 and story["forgotten"]:
            say(f"  ... {story['forgotten']} more, which are forgotten")


def _show_framework(task: str, framework: dict[str, Any]) -> None:
    say(f"Task {task} is not known: its framework has not launched it, or it ended long ago")
    count, offers, declined = framework["tasks"], framework["offers"], framework["declined"]
    say(
        f"Framework {framework['name']} ({framework['id']}) is {framework['standing']}, has {count} "
        f"task{'s' * (count != 1)} and {offers} offer{'s' * (offers != 1)} to answer"
    )
    if framework["suppressed"]:
        say(f"It wants no offers for {', '.join(framework['suppressed'])}: it has suppressed them")
    if declined:
        last = f"the last at {_clock(framework['declined_time'])} for {framework['refuse_seconds']:g} s"
        say(f"It has declined {declined} offer{'s' * (declined != 1)}, {last}")
    for each in framework["refused"]:
        say(f"  {_clock(each['time'])}  task {each['task']}: {first_line(each['text'])}")


def _clock(seconds: float) -> str:
    """A time of this machine's zone, to the millisecond."""
    from datetime import datetime

    return datetime.fromtimestamp(seconds).astimezone().isoformat(sep=" ", timespec="milliseconds")
