"""/mesoslite/why: what is answered about a task, about one that is not known, and what is refused."""

import json

import pytest
from msgspec import structs

import libactor as la
from mesoslite.api import master_app
from mesoslite.model import (
    AgentID,
    AgentInfo,
    FrameworkID,
    FrameworkInfo,
    OfferID,
    Reason,
    Resources,
    Source,
    TaskID,
    TaskInfo,
    TaskState,
    TaskStatus,
    Unavailability,
    happenings,
)
from mesoslite.model.maintenance import InverseAnswer
from mesoslite.model.stories import FrameworkStanding, FrameworkStory, PlannedService, TaskStory

from .fakes import FakeMaster, request

PATH = "/mesoslite/why"
FRAMEWORK, AGENT, TASK = WHO = FrameworkID("m-0000"), AgentID("m-S0"), TaskID("job")
WEB = FrameworkInfo(id=FRAMEWORK, name="web", roles=("ads",))
TWINS = tuple([FrameworkInfo(id=FrameworkID(f"m-000{number}"), name="twin") for number in (1, 2)])
LAUNCHED = happenings.TaskLaunched(
    1.0,
    FRAMEWORK,
    TaskInfo(task_id=TASK, name="job", agent_id=AGENT, resources=Resources.parse("cpus:1;mem:128")),
    "ads",
    OfferID("m-O7"),
)
INFO = AgentInfo(hostname="h", port=1, resources=Resources.parse("cpus:1"))
REFUSED = happenings.TaskRefused(
    5.0, FRAMEWORK, TASK, TaskState.TASK_ERROR, Reason.REASON_TASK_INVALID, "Task uses more resources than offered"
)


def status(state, source=Source.SOURCE_EXECUTOR, **details):
    return TaskStatus(task_id=TASK, state=state, source=source, timestamp=2.0, **details)


def updated(old, new, *arguments, **details):
    return happenings.TaskUpdated(2.0, *WHO, old, new, status(new, *arguments, **details))


def story(*told, state=None, earlier=(), forgotten=0, standing=FrameworkStanding.CONNECTED, agent=None):
    return TaskStory(
        framework=WEB,
        standing=standing,
        task_id=TASK,
        state=state,
        earlier=earlier,
        happenings=told,
        forgotten=forgotten,
        agent_id=agent,
    )


class RememberingMaster(FakeMaster):
    """Knows these stories, and three frameworks, of which two have one name."""

    def __init__(self, *stories):
        super().__init__()
        self.stories = stories
        self.asked = []

    def task_stories(self, task_id, framework):
        self.asked.append((task_id, framework))
        return () if task_id == "several" else self.stories

    def tasks_named(self, name, framework):
        return tuple([(FRAMEWORK, TaskID(f"job-{number}")) for number in range(12 if name == "several" else 0)])

    def find_frameworks(self, text):
        return tuple([info for info in (WEB, *TWINS) if text in (info.id, info.name)])

    def framework_story(self, framework_id):
        return FrameworkStory(
            framework=WEB,
            standing=FrameworkStanding.DISCONNECTED,
            tasks=2,
            offers=1,
            suppressed=("ads",),
            declined=3,
            declined_time=4.0,
            refuse_seconds=600.0,
            refused=(REFUSED,) * 12,
        )


def ask(runtime, query, *stories):
    answer = request(master_app(runtime.spawn(RememberingMaster(*stories))), "GET", PATH, query=query)
    return answer.status, answer.body.decode()


STAGING, RUNNING, FAILED = TaskState.TASK_STAGING, TaskState.TASK_RUNNING, TaskState.TASK_FAILED
LOST, KILLED, UNREACHABLE = TaskState.TASK_LOST, TaskState.TASK_KILLED, TaskState.TASK_UNREACHABLE
RAN = updated(STAGING, RUNNING)
LAUNCH_TEXT = "launched on agent m-S0 with cpus:1; mem:128, in role 'ads', of offer m-O7"


def test_a_story_is_told_in_words_with_times(runtime):
    failed = updated(RUNNING, FAILED, message="Command exited with status 3").status.with_exit_status(3)
    end = happenings.TaskUpdated(3.5, *WHO, RUNNING, FAILED, failed)
    known = story(LAUNCHED, RAN, end, state=FAILED, forgotten=4)

    code, body = ask(runtime, "task=job&framework=web", known)

    said = "TASK_FAILED, says its executor: Command exited with status 3"
    assert code == 200
    assert json.loads(body) == {
        "task": "job",
        "stories": [
            {
                "task": "job",
                "framework": {"id": "m-0000", "name": "web", "roles": ["ads"], "standing": "connected"},
                "state": "TASK_FAILED",
                "agent": None,
                "answer": f"it has ended: {said}",
                "service": None,
                "happenings": [
                    {"time": 1.0, "kind": "TaskLaunched", "text": LAUNCH_TEXT},
                    {"time": 2.0, "kind": "TaskUpdated", "text": "TASK_RUNNING, says its executor"},
                    {"time": 3.5, "kind": "TaskUpdated", "text": said},
                ],
                "forgotten": 4,
            }
        ],
    }


KILL = happenings.TaskUpdated(2.0, *WHO, RUNNING, KILLED, status(KILLED, Source.SOURCE_AGENT).with_exit_status(-9))
MASTER = Source.SOURCE_MASTER
WORDS = [
    (story(LAUNCHED, state=STAGING), "it was launched, and its agent has not told anything", LAUNCH_TEXT),
    (story(LAUNCHED, RAN, state=RUNNING), "it runs", "TASK_RUNNING, says its executor"),
    (story(state=RUNNING, earlier=(status(RUNNING),)), "it runs", "TASK_RUNNING, says its executor"),
    (
        story(state=RUNNING, earlier=(status(RUNNING),), standing=FrameworkStanding.RECOVERED, agent=AGENT),
        "it runs on agent m-S0; only agents have told this master of its framework",
        "TASK_RUNNING, says its executor",
    ),
    (
        story(REFUSED),
        "it was never launched: refused by the master: TASK_ERROR (REASON_TASK_INVALID): Task uses more",
        "refused by the master: TASK_ERROR (REASON_TASK_INVALID): Task uses more resources than offered",
    ),
    (
        story(LAUNCHED, updated(RUNNING, LOST, MASTER, reason=Reason.REASON_AGENT_REMOVED, message="gone"), state=LOST),
        "it has ended: TASK_LOST, says the master: REASON_AGENT_REMOVED: gone",
        "TASK_LOST, says the master: REASON_AGENT_REMOVED: gone",
    ),
    (
        story(LAUNCHED, happenings.TaskKillAsked(1.5, *WHO), state=RUNNING),
        "it runs",
        "its framework asked to kill it",
    ),
    (
        story(LAUNCHED, happenings.AgentDisconnected(1.5, AGENT, "it stopped"), state=RUNNING),
        "it runs",
        "m-S0 was disconnected: it stopped",
    ),
    (
        story(LAUNCHED, happenings.AgentUnreachable(1.5, AGENT, "it is silent"), state=RUNNING),
        "it runs",
        "m-S0 was given up: it is silent",
    ),
    (
        story(LAUNCHED, happenings.TaskRemoved(3.0, *WHO, LOST, True), state=UNREACHABLE),
        "cannot be reached",
        "may bring it back",
    ),
    (
        story(LAUNCHED, happenings.TaskRemoved(3.0, *WHO, LOST, False), state=LOST),
        "TASK_LOST",
        "nothing more",
    ),
    (
        story(
            LAUNCHED,
            happenings.TaskUpdated(2.0, *WHO, STAGING, FAILED, status(RUNNING)),
            state=FAILED,
        ),
        "it has ended in TASK_FAILED",
        "TASK_RUNNING, says its executor; by then it was TASK_FAILED",
    ),
    (
        story(LAUNCHED, happenings.AgentReturned(2.0, AGENT, INFO, "slave(1)", False), state=RUNNING),
        "it runs",
        "was back",
    ),
    (story(LAUNCHED, KILL, state=KILLED), "ended by signal 9", "says its agent"),
]


@pytest.mark.parametrize(("known", "answer", "text"), WORDS)
def test_each_kind_has_its_words(runtime, known, answer, text):
    _, body = ask(runtime, "task=job", known)

    [told] = json.loads(body)["stories"]
    assert answer in told["answer"]
    assert text in told["happenings"][-1]["text"]


def test_of_a_task_that_is_not_known_it_says_what_its_framework_has_done_with_offers(runtime):
    code, body = ask(runtime, "task=job&framework=web")

    document = json.loads(body)
    framework = document["framework"]
    assert (code, document["stories"]) == (200, [])
    assert (framework["id"], framework["standing"], framework["tasks"], framework["offers"]) == (
        *("m-0000", "disconnected"),
        *(2, 1),
    )
    assert (framework["suppressed"], framework["declined"], framework["declined_time"]) == (["ads"], 3, 4.0)
    assert framework["refuse_seconds"] == 600.0
    assert len(framework["refused"]) == 10
    assert framework["refused"][0]["task"] == "job"
    assert "REASON_TASK_INVALID" in framework["refused"][0]["text"]


def test_a_task_that_waits_is_found_by_its_name_if_its_framework_bears_that(runtime):
    code, body = ask(runtime, "task=web")

    document = json.loads(body)
    assert (code, document["task"], document["framework"]["id"]) == (200, "web", "m-0000")


def test_tasks_of_a_name_are_told_where_no_task_has_that_id(runtime):
    pid = runtime.spawn(RememberingMaster(story(LAUNCHED, RAN, state=RUNNING)))

    answer = request(master_app(pid), "GET", PATH, query="task=several&framework=web")

    document = json.loads(answer.body)
    assert (document["task"], document["named"], len(document["stories"])) == ("several", 12, 10)
    assert pid._process.actor.asked == [("several", "web"), *[(f"job-{number}", FRAMEWORK) for number in range(10)]]


SOON = Unavailability(3_500_000_000, 60_000_000_000)
ANSWERED = [InverseAnswer(FRAMEWORK, AGENT, accepted, 1.0) for accepted in (True, False)]
SERVICES = [
    (PlannedService(AGENT, SOON, False, None), None, "its framework was not asked to leave it yet"),
    (PlannedService(AGENT, SOON, True, None), None, "its framework was asked to leave it, and has not answered"),
    (PlannedService(AGENT, SOON, False, ANSWERED[0]), True, "has agreed to leave it"),
    (
        PlannedService(AGENT, SOON, False, ANSWERED[1]),
        False,
        "has declined to leave it",
    ),
]


@pytest.mark.parametrize(("service", "accepted", "text"), SERVICES)
def test_a_service_that_is_planned_is_told_and_what_the_framework_says_to_it(runtime, service, accepted, text):
    _, body = ask(runtime, "task=job", structs.replace(story(LAUNCHED, RAN, state=RUNNING), service=service))

    told = json.loads(body)["stories"][0]["service"]
    assert (told["agent"], told["start"], told["duration"], told["accepted"]) == (AGENT, 3.5, 60.0, accepted)
    assert told["text"].endswith(text)


@pytest.mark.parametrize(
    ("query", "code", "problem"),
    [
        ("", 400, "no task is named"),
        ("task=", 400, "no task is named"),
        ("task=job&framework=", 400, "the framework is empty"),
        ("task=job&agent=m-S1", 400, "unknown parameter 'agent'"),
        ("task=job&task=job", 400, "'task' is given twice"),
        ("task=job", 404, "no task 'job' is known, nor one of that name, nor a framework; name the framework"),
        ("task=twin", 400, "'twin' is 2 frameworks"),
        ("task=job&framework=nobody", 404, "no framework 'nobody' is in the cluster; /state lists those there are"),
        ("task=job&framework=twin", 400, "'twin' is 2 frameworks: m-0001, m-0002; name one of them by its id"),
        ("task=" + "x" * 5_000, 404, "no task 'xxx"),
        ("task=%ff%00%0d%0a", 404, "no task"),
    ],
)
def test_what_cannot_be_answered_says_why(runtime, query, code, problem):
    answered, body = ask(runtime, query)

    assert answered == code
    assert problem in body
    assert len(body) < 400


def test_a_master_that_has_stopped_is_503(runtime):
    pid = runtime.spawn(RememberingMaster())
    la.terminate(pid)
    assert la.wait(pid, timeout=60)

    assert request(master_app(pid), "GET", PATH, query="task=job").status == 503
