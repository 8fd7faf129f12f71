# SPDX-License-Identifier: Apache-2.0
"""HeadNode against the other side of the protocol: the project's transcripts, and trouble of all kinds."""

import json
import logging
from pathlib import Path

import pytest
from conftest import FakeProcess
from galaxy_s3_executor import __version__, client
from galaxy_s3_executor.client import LONGEST_LINE, Refused, RunEvent

TRANSCRIPTS = Path(__file__).resolve().parents[2] / "Tests/HeadNodeTests/Serve/Transcripts"
DESTINATION = {"name": "k8s", "params": {"requests_cpu": "500m"}}

# What the runner must have been told at the end of each transcript.
TOLD = {
    "one-job.txt": [
        RunEvent("42-0123456789abcdef", "staging"),
        RunEvent("42-0123456789abcdef", "staging"),
        RunEvent("42-0123456789abcdef", "queued"),
        RunEvent("42-0123456789abcdef", "running"),
        RunEvent("42-0123456789abcdef", "collecting"),
        RunEvent("42-0123456789abcdef", "ok", "", 0),
    ],
    "cancel.txt": [
        RunEvent("1-00000000000000aa", "staging"),
        RunEvent("1-00000000000000aa", "queued"),
        RunEvent("1-00000000000000aa", "running"),
        RunEvent("1-00000000000000aa", "cancelled", "The run was cancelled."),
        RunEvent("1-00000000000000aa", "cancelled"),
        RunEvent("1-00000000000000aa", "cancelled"),
        RunEvent("2-00000000000000aa", "ok"),
        Refused("3-00000000000000aa", "cancel", "Job 3 has no run"),
    ],
    "recover.txt": [
        RunEvent("7-00000000000000aa", "staging"),
        RunEvent("7-00000000000000aa", "queued"),
        RunEvent("7-00000000000000aa", "running"),
        RunEvent("7-00000000000000aa", "running"),
        Refused(
            "7-00000000000000bb",
            "submit",
            "Run 7-00000000000000aa of this job goes on. Cancel it first, then submit run"
            " 7-00000000000000bb.",
        ),
        RunEvent("8-00000000000000aa", "staging"),
        RunEvent("8-00000000000000aa", "collecting"),
        RunEvent("8-00000000000000aa", "tool_failed", "The tool ended with exit code 3.", 3),
        RunEvent("8-00000000000000aa", "tool_failed", "The tool ended with exit code 3.", 3),
        RunEvent("8-00000000000000bb", "staging"),
        RunEvent("8-00000000000000bb", "staging"),
    ],
    "refusals.txt": [],
    "trouble.txt": [
        RunEvent("1-00000000000000aa", "staging"),
        RunEvent("1-00000000000000aa", "staging"),
        RunEvent("1-00000000000000aa", "queued"),
        RunEvent("1-00000000000000aa", "running"),
        RunEvent("1-00000000000000aa", "collecting"),
        RunEvent("1-00000000000000aa", "memory_limit_reached", "The tool took more memory than its 4Gi."),
        RunEvent("2-00000000000000aa", "staging"),
        RunEvent("2-00000000000000aa", "failed", "Cannot collect run 1: Cannot get s3://b/k: access denied."),
    ],
}


class Replay:
    """Plays a transcript: has the client write each line for the head, and gives it each of the head's.

    Requests that this client never makes are left out, with their answers.
    """

    def __init__(self, lines):
        self.script = [(line[0], line[2:]) for line in lines if line[:2] in ("> ", "< ")]
        self.ids = {}
        self.told = []
        # Of the transcripts' jobs, the run that this client would name.
        self.runs = {"/j/2": "2-00000000000000aa", "/j/3": "3-00000000000000aa"}

    def play(self, node):
        greeted = False
        for side, line in self.script:
            if side == ">":
                request = self.request(line)
                if request is None:
                    continue
                if request["method"] == "hello":
                    if greeted:
                        continue
                    self.process = node.next_process()
                    greeted = True
                else:
                    self.make(node, request)
                self.expect(request)
            elif greeted:
                self.answer(line)
                self.told += self.told_by_now(node)
        return self.told

    def told_by_now(self, node):
        """Once a mark comes out, all that was said before has been taken in."""
        self.process.tell("99-00000000000000aa", "queued")
        told = iter(node.notices.next, RunEvent("99-00000000000000aa", "queued"))
        return list(told)

    @staticmethod
    def request(line):
        try:
            request = json.loads(line)
        except ValueError:
            return None
        if not isinstance(request, dict) or not isinstance(request.get("id"), int):
            return None
        params = request.get("params", {})
        known = {
            "hello": {"plugin", "protocol", "server_name"},
            "submit": {"job", "run", "destination"},
            "cancel": {"job"},
            "finished": {"job", "run", "outputs"},
            "forget": {"job"},
        }
        if request.get("method") not in known or not set(params) <= known[request["method"]]:
            return None
        if request["method"] == "submit" and not params.get("run", "").endswith(("aa", "bb", "ef")):
            return None
        if request["method"] == "cancel" and not str(params.get("job")).startswith("/"):
            return None
        return request

    def make(self, node, request):
        params = request["params"]
        if request["method"] == "submit":
            self.runs[params["job"]] = params["run"]
            node.submit(params["job"], params["run"], params.get("destination", {}))
        elif request["method"] == "cancel":
            node.cancel(params["job"], self.runs[params["job"]])
        elif request["method"] == "finished":
            node.finished(params["job"], params["run"], params["outputs"])
        else:
            node.forget(params["job"], self.runs[params["job"]])

    def expect(self, request):
        asked = self.process.asked()
        self.ids[request["id"]] = asked["id"]
        params = dict(request["params"])
        if request["method"] == "hello":
            params["plugin"] = __version__
        elif request["method"] == "submit":
            params.setdefault("destination", {})
        assert asked == {"id": asked["id"], "method": request["method"], "params": params}

    def answer(self, line):
        message = json.loads(line)
        if "event" not in message:
            if message["id"] not in self.ids:
                return
            message["id"] = self.ids[message["id"]]
        self.process.say(message)


@pytest.mark.parametrize("name", sorted(TOLD))
def test_transcript(name, head_node):
    lines = (TRANSCRIPTS / name).read_text().splitlines()
    first = next(json.loads(line[2:]) for line in lines if line.startswith("> ") and '"hello"' in line)
    node = head_node(server_name=first["params"]["server_name"])
    assert Replay(lines).play(node) == TOLD[name]


def test_every_transcript_is_played():
    names = {path.name for path in TRANSCRIPTS.glob("*.txt")}
    assert names == {*TOLD, "wrong-protocol.txt"}


def test_another_protocol_is_said_and_tried_again(head_node, caplog):
    node = head_node()
    process = node.next_process()
    transcript = (TRANSCRIPTS / "wrong-protocol.txt").read_text().splitlines()
    answer = json.loads(next(line for line in transcript if line.startswith("< "))[2:])
    node.submit("/j/1", "1-00000000000000aa", DESTINATION)
    hello = process.asked()
    process.say({**answer, "id": hello["id"]})
    process.end(76)
    # The runs wait for the process that will do.
    process = node.next_process()
    process.greet()
    assert process.asked()["params"]["run"] == "1-00000000000000aa"
    assert "Install the plugin and galaxy-head-node of one release" in caplog.text
    assert "ended with status 76" in caplog.text


def test_many_outputs_are_told_in_several_lines(head_node):
    node = head_node()
    process = node.next_process()
    process.greet()
    node.submit("/j/1", "1-00000000000000aa", DESTINATION)
    process.grant()
    outputs = [{"base64": "Lw" + "A" * 5460 + "=="}] * 400
    node.finished("/j/1", "1-00000000000000aa", outputs)
    told = []
    while len(told) < len(outputs):
        request = process.asked()
        assert request["method"] == "finished"
        assert len(json.dumps(request)) < 1 << 20
        told += request["params"]["outputs"]
    assert told == outputs


def test_nothing_is_asked_before_hello_is_granted(head_node):
    node = head_node()
    node.submit("/j/1", "1-00000000000000aa", DESTINATION)
    process = node.next_process()
    assert process.greet()["method"] == "hello"
    assert process.asked() == {
        "id": 1,
        "method": "submit",
        "params": {"job": "/j/1", "run": "1-00000000000000aa", "destination": DESTINATION},
    }


def test_a_new_process_is_told_of_every_run_that_has_not_ended(head_node):
    node = head_node()
    process = node.next_process()
    process.greet()
    for number in (1, 2, 3, 4):
        node.submit(f"/j/{number}", f"{number}-00000000000000aa", DESTINATION)
        process.grant()
        assert node.notices.next().state == "staging"
    process.tell("1-00000000000000aa", "ok", exit_code=0)
    assert node.notices.next() == RunEvent("1-00000000000000aa", "ok", "", 0)
    node.cancel("/j/2", "2-00000000000000aa")
    assert process.asked()["method"] == "cancel"
    # Killed in the middle of a line.
    process._answers.write(b'{"event":"state","job":"/j/3","run":"3-000')
    process.end(-9)

    process = node.next_process()
    process.greet()
    asked = [process.asked() for _ in range(3)]
    assert [(one["method"], one["params"]["job"]) for one in asked] == [
        ("cancel", "/j/2"),
        ("submit", "/j/3"),
        ("submit", "/j/4"),
    ]
    assert node.notices.all() == []


def test_a_run_that_is_forgotten_is_told_to_nobody(head_node):
    node = head_node()
    process = node.next_process()
    process.greet()
    node.submit("/j/1", "1-00000000000000aa", DESTINATION)
    process.grant()
    node.forget("/j/1", "1-00000000000000aa")
    assert process.asked()["method"] == "forget"
    process.end()
    process = node.next_process()
    process.greet()
    node.submit("/j/2", "2-00000000000000aa", DESTINATION)
    assert process.asked()["params"]["job"] == "/j/2"


def test_what_may_succeed_later_is_asked_again(head_node):
    node = head_node()
    process = node.next_process()
    process.greet()
    node.submit("/j/1", "1-00000000000000aa", DESTINATION)
    first = process.refuse("busy", retryable=True)
    second = process.refuse("busy", retryable=True)
    assert second["params"] == first["params"]
    assert second["id"] != first["id"]
    process.grant()
    assert node.notices.next() == RunEvent("1-00000000000000aa", "staging")


def test_what_is_asked_again_is_a_cancellation_by_then(head_node):
    node = head_node()
    process = node.next_process()
    process.greet()
    node.submit("/j/1", "1-00000000000000aa", DESTINATION)
    submission = process.asked()
    node.cancel("/j/1", "1-00000000000000aa")
    # The submission is refused for good, but the job's end is what cancel says.
    error = {"code": "input", "message": "gone", "retryable": False}
    process.say({"id": submission["id"], "error": error})
    process.refuse("no-run", "there is none")
    assert node.notices.next() == Refused("1-00000000000000aa", "cancel", "there is none")


def test_a_line_that_nobody_could_read_is_not_sent(head_node):
    node = head_node()
    process = node.next_process()
    process.greet()
    node.submit("/j/1", "1-00000000000000aa", {"name": "k8s", "params": {"x": "x" * LONGEST_LINE}})
    refusal = node.notices.next()
    assert (refusal.run, refusal.method) == ("1-00000000000000aa", "submit")
    assert "too long" in refusal.message


def test_a_process_that_talks_nonsense_is_survived(head_node, caplog):
    node = head_node()
    process = node.next_process()
    process.greet()
    for line in (
        b"",
        b"[]",
        b"7",
        b'{"id":99,"result":{}}',
        b'{"event":"state"}',
        b"\xff",
        b'{"event":"new"}',
    ):
        process.say(line)
    process.tell("1-00000000000000aa", "running", new_field=[1])
    assert node.notices.next() == RunEvent("1-00000000000000aa", "running")
    assert "protocol 1 does not have" in caplog.text


def test_a_process_that_does_not_read_keeps_nobody_waiting(head_node):
    node = head_node()
    process = node.next_process()
    process.greet()
    # More than any pipe holds.
    for number in range(2000):
        job = f"/{'j' * 200}/{number}"
        node.submit(job, f"{number}-00000000000000aa", DESTINATION)
    assert [process.asked()["params"]["run"] for _ in range(2000)] == [
        f"{number}-00000000000000aa" for number in range(2000)
    ]


@pytest.mark.parametrize("greets", [True, False])
def test_a_process_that_says_nothing_more_is_replaced(head_node, caplog, monkeypatch, greets):
    monkeypatch.setattr(client, "LOOK", 0.05)
    node = head_node()
    hung = node.next_process()
    if greets:
        hung.greet()
        node.submit("/j/1", "1-00000000000000aa", DESTINATION)
        assert hung.asked()["method"] == "submit"
        # It is asked for a sign of life before it is given up.
        assert hung.asked()["method"] == "status"
    else:
        assert hung.asked()["method"] == "hello"
        node.submit("/j/1", "1-00000000000000aa", DESTINATION)
    process = node.next_process()
    monkeypatch.setattr(client, "LOOK", 60)
    process.greet()
    assert process.asked()["params"]["run"] == "1-00000000000000aa"
    assert "has said nothing for" in caplog.text


def test_a_process_that_answers_lives(head_node, caplog, monkeypatch, until):
    looks = []

    class Watched(client.Silence):
        def look(self):
            looks.append(super().look())
            return looks[-1]

    monkeypatch.setattr(client, "Silence", Watched)
    monkeypatch.setattr(client, "LOOK", 0.05)
    # A machine that stands still is not what is tested here.
    monkeypatch.setattr(client, "LOOKS", 10_000)
    node = head_node()
    process = node.next_process()
    process.greet()
    for _ in range(3):
        asked = process.asked()
        assert (asked["method"], asked["params"]) == ("status", {})
        silent = len(looks)
        process.say(json.dumps({"id": asked["id"], "result": {"jobs": {}}}).encode())
        until(lambda silent=silent: 0 in looks[silent:])
    assert "has said nothing for" not in caplog.text


def test_only_looks_in_a_row_that_meet_silence_count():
    silence = client.Silence()
    assert [silence.look() for _ in range(4)] == [0, 1, 2, 3]
    silence.end()
    silence.end()
    assert [silence.look() for _ in range(3)] == [0, 1, 2]


def test_a_program_that_cannot_be_started_is_tried_again(head_node, caplog):
    process = FakeProcess()
    outcomes = [FileNotFoundError(2, "No such file"), process]

    def spawn(*_, **__):
        outcome = outcomes.pop(0)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    node = head_node(spawn=spawn)
    process.greet(executor="kubernetes")
    node.submit("/j/1", "1-00000000000000aa", DESTINATION)
    assert process.asked()["method"] == "submit"
    assert node.executor == "kubernetes"
    assert "cannot be started" in caplog.text


def test_its_environment_is_galaxys_own_and_what_the_runner_says(head_node, monkeypatch):
    monkeypatch.setenv("TEST_OF_GALAXY", "here")
    process, environments = FakeProcess(), []

    def spawn(*_, env, **__):
        environments.append(env)
        return process

    head_node(spawn=spawn, environment={"TEST_OF_RUNNER": "too"})
    process.greet()
    (found,) = environments
    assert (found["TEST_OF_GALAXY"], found["TEST_OF_RUNNER"]) == ("here", "too")


def test_its_log_becomes_galaxys(head_node, caplog, until):
    caplog.set_level(logging.DEBUG, logger="galaxy_s3_executor")
    node = head_node()
    process = node.next_process()
    process.greet()
    process.log('{"level":"warning","message":"the bucket is away","run":"1-aa","time":"now"}')
    process.log('{"level":"info","message":"","run":"1-aa","state":"running","time":"now"}')
    end = '"state":"ok","exit_code":0,"metrics":{"tries":1}'
    process.log('{"level":"info","message":"","run":"1-aa",' + end + ',"time":"now"}')
    process.log("Fatal error: something")
    process.end(4)
    until(lambda: "ended with status 4" in caplog.text)
    said = {record.getMessage(): record.levelname for record in caplog.records}
    assert said["1-aa the bucket is away"] == "WARNING"
    assert said["1-aa running"] == "DEBUG"
    assert said['1-aa ok {"exit_code": 0, "metrics": {"tries": 1}}'] == "INFO"
    assert said["Fatal error: something"] == "WARNING"
    assert list(said)[-1].startswith("galaxy-head-node ended")


def test_closing_ends_the_process_and_starts_no_other(head_node):
    node = head_node()
    process = node.next_process()
    process.greet()
    node.submit("/j/1", "1-00000000000000aa", DESTINATION)
    assert process.asked()["method"] == "submit"
    node.close(0)
    assert process.asked() is None
    process.end()
    node.close(20)
    assert not node._keeper.is_alive()
