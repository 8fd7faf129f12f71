# SPDX-License-Identifier: Apache-2.0
"""galaxy-head-node serve as a child process: requests go in, what happens to runs comes out.

docs/protocol.md explains the lines of both. Nothing is decided here: a process that ends is started
again, and is told of every run that has not ended. No caller waits for anything.
"""

import itertools
import json
import logging
import os
import queue
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Optional

from . import __version__

log = logging.getLogger(__name__)

PROTOCOL = 1
LONGEST_LINE = 1 << 20
PATHS_IN_A_LINE = 150
ENDED = {"ok", "tool_failed", "memory_limit_reached", "walltime_reached", "failed", "cancelled"}
# Seconds between two starts of the program, and between two attempts of a request that may succeed later.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
# Seconds between two looks at whether the process says anything, and after how many it is taken for hung.
LOOK, LOOKS = 30.0, 10


@dataclass(frozen=True)
class RunEvent:
    """Where a run is, as the head node says. Only of its end there is more to say."""

    run: str
    state: str
    message: str = ""
    exit_code: Optional[int] = None


@dataclass(frozen=True)
class Refused:
    """A request about a run that will never be granted."""

    run: str
    method: str
    message: str


@dataclass
class Submission:
    """A run that has not ended, as every process that serves it has to be told."""

    job: Any
    run: str
    destination: dict[str, Any]
    is_cancelled: bool = False
    attempts: int = 0

    @property
    def request(self) -> tuple[str, dict[str, Any]]:
        if self.is_cancelled:
            return "cancel", {"job": self.job}
        return "submit", {"job": self.job, "run": self.run, "destination": self.destination}


class Silence:
    """How long a process has said nothing.

    It counts looks, not seconds: when this process stands still, it is not the other one's silence.
    """

    def __init__(self):
        self._heard, self._looks = True, 0

    def end(self) -> None:
        self._heard = True

    def look(self) -> int:
        """How many looks in a row, this one among them, have met silence."""
        self._looks, self._heard = (0 if self._heard else self._looks + 1), False
        return self._looks


class HeadNode:
    """The head node of one Galaxy server.

    `notify` is called with each RunEvent and Refused, from a thread of this object's, and must not wait.
    """

    def __init__(
        self,
        command: list[str],
        server_name: str,
        notify: Callable[[Any], None],
        spawn: Callable[..., Any] = subprocess.Popen,
        environment: Optional[dict[str, str]] = None,
    ):
        self.executor: Optional[str] = None
        self._command = command
        # Besides this process's own.
        self._environment = environment or {}
        self._server_name = server_name
        self._notify = notify
        self._spawn = spawn
        self._ids = itertools.count(1)
        self._closed = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="galaxy-head-node", daemon=True)
        # The lock holds for all below.
        self._lock = threading.Lock()
        self._runs: dict[str, Submission] = {}
        # What the process has been asked and has not answered; None in place of a run's name for no run.
        self._asked: dict[int, tuple[str, Optional[str]]] = {}
        self._later: list[tuple[float, str]] = []
        # Lines for the process, and the same once it has answered hello; None while there is none.
        self._current: Optional[queue.SimpleQueue] = None
        self._outbox: Optional[queue.SimpleQueue] = None

    # What the runner says

    def start(self) -> None:
        self._keeper.start()

    def submit(self, job: Any, run: str, destination: dict[str, Any]) -> None:
        """Begins the run, or takes it up where it is."""
        with self._lock:
            self._runs[run] = Submission(job, run, destination)
            self._ask_about(run)

    def cancel(self, job: Any, run: str) -> None:
        """Ends the run, wherever it is; its end is told like any other."""
        with self._lock:
            submission = self._runs.setdefault(run, Submission(job, run, {}))
            if not submission.is_cancelled:
                submission.is_cancelled, submission.attempts = True, 0
                self._ask_about(run)

    def finished(self, job: Any, run: str, outputs: list[Any]) -> None:
        """Says where Galaxy has put the outputs of the run. Nobody waits for what comes of it."""
        with self._lock:
            # A line has a limit, and no path is longer than Linux takes.
            for first in range(0, len(outputs), PATHS_IN_A_LINE):
                part = outputs[first : first + PATHS_IN_A_LINE]
                self._ask("finished", {"job": job, "run": run, "outputs": part}, run)

    def forget(self, job: Any, run: str) -> None:
        """Says that Galaxy has finished with the run."""
        with self._lock:
            self._runs.pop(run, None)
            # Another process than the one that told of the end does not know the job.
            self._ask("forget", {"job": job}, run)

    def close(self, patience: float) -> None:
        """Ends the process, and waits for that for at most `patience` seconds. Runs go on."""
        self._closed.set()
        with self._lock:
            self._outbox = None
            if self._current is not None:
                self._current.put(None)
        if self._keeper.is_alive():
            self._keeper.join(patience)

    # Under the lock

    def _ask_about(self, run: str) -> None:
        submission = self._runs.get(run)
        if submission is not None and self._outbox is not None:
            self._ask(*submission.request, run)

    def _ask(self, method: str, params: dict[str, Any], run: Optional[str]) -> None:
        if self._outbox is None:
            return
        number = next(self._ids)
        line = json.dumps(
            {"id": number, "method": method, "params": params}, separators=(",", ":"), default=str
        )
        raw = line.encode() + b"\n"
        if len(raw) > LONGEST_LINE:
            self._runs.pop(run or "", None)
            self._notify(Refused(run or "", method, "The parameters of the job's destination are too long."))
            return
        self._asked[number] = (method, run)
        self._outbox.put(raw)

    # The process

    def _keep(self) -> None:
        pause = FIRST_PAUSE
        while not self._closed.is_set():
            begun = time.monotonic()
            try:
                answered = self._serve()
            except Exception:
                log.exception("galaxy-head-node could not be served")
                answered = False
            if answered and time.monotonic() - begun > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            self._closed.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _serve(self) -> bool:
        """One process, from its start to its end. Whether it ever answered."""
        try:
            # A session of its own: Ctrl-C is for Galaxy alone. The process ends with its standard input.
            process = self._spawn(
                self._command,
                env={**os.environ, **self._environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            log.error("%s cannot be started: %s. Jobs wait for it.", self._command[0], error)
            return False
        outbox: queue.SimpleQueue = queue.SimpleQueue()
        ended, silence = threading.Event(), Silence()
        threads = [
            threading.Thread(target=self._write, args=(process.stdin, outbox), daemon=True),
            threading.Thread(target=self._log, args=(process.stderr,), daemon=True),
            threading.Thread(target=self._watch, args=(process, outbox, ended, silence), daemon=True),
        ]
        for thread in threads:
            thread.start()
        hello = {"protocol": PROTOCOL, "server_name": self._server_name, "plugin": __version__}
        outbox.put(json.dumps({"id": 0, "method": "hello", "params": hello}).encode() + b"\n")
        with self._lock:
            self._current = outbox
            if self._closed.is_set():
                outbox.put(None)
        answered = False
        try:
            for raw in iter(process.stdout.readline, b""):
                silence.end()
                # A line that is cut off is the last one of a process that was killed.
                if raw.endswith(b"\n"):
                    answered = self._take(raw, outbox) or answered
        finally:
            ended.set()
            with self._lock:
                self._current, self._outbox, self._asked, self._later = None, None, {}, []
            outbox.put(None)
            self._bury(process)
            # What it said last comes before the word that it has ended.
            threads[1].join(1)
        if not self._closed.is_set():
            log.error(
                "galaxy-head-node ended with status %s and is started again; runs go on", process.returncode
            )
        return answered

    def _watch(self, process, outbox: queue.SimpleQueue, ended: threading.Event, silence: Silence) -> None:
        """Kills a process that has stopped to answer: jobs would wait for it without end."""
        while not ended.wait(LOOK):
            looks = silence.look()
            if looks == LOOKS:
                seconds = LOOK * LOOKS
                log.error("galaxy-head-node has said nothing for %d s and is killed; runs go on", seconds)
                process.kill()
                return
            if looks:
                with self._lock:
                    if self._outbox is outbox:
                        # Whatever comes back shows that it lives.
                        self._ask("status", {}, None)

    @staticmethod
    def _bury(process) -> None:
        try:
            # It has closed its standard output, so it is about to end.
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _write(self, stdin, outbox: queue.SimpleQueue) -> None:
        """Only this thread waits when the process does not read."""
        try:
            while (line := self._next(outbox)) is not None:
                stdin.write(line)
                stdin.flush()
        except OSError:
            log.debug("galaxy-head-node reads no more")
        finally:
            try:
                stdin.close()
            except OSError:
                log.debug("galaxy-head-node had read no more")

    def _next(self, outbox: queue.SimpleQueue) -> Optional[bytes]:
        while True:
            self._ask_again()
            try:
                return outbox.get(timeout=0.5)
            except queue.Empty:
                continue

    def _ask_again(self) -> None:
        now = time.monotonic()
        with self._lock:
            due = [run for when, run in self._later if when <= now]
            self._later = [entry for entry in self._later if entry[0] > now]
            for run in due:
                self._ask_about(run)

    @staticmethod
    def _log(stderr) -> None:
        """The head node's log goes into Galaxy's."""
        levels = {"info": logging.DEBUG, "warning": logging.WARNING, "error": logging.ERROR}
        for raw in iter(stderr.readline, b""):
            text = raw.decode(errors="replace").strip()
            try:
                entry = json.loads(text)
                level = levels.get(entry["level"], logging.INFO)
                words = [entry.get("run"), entry.get("state"), entry["message"]]
                if "metrics" in entry:
                    # What a run has moved, and how its tool ended: for who looks back.
                    level = max(level, logging.INFO)
                    words.append(json.dumps({name: entry.get(name) for name in ("exit_code", "metrics")}))
                text = " ".join(str(word) for word in words if word)
            except (ValueError, KeyError, TypeError):
                level = logging.WARNING
            log.log(level, "%s", text)

    # What the process says

    def _take(self, raw: bytes, outbox: queue.SimpleQueue) -> bool:
        """Takes a line. Whether it granted hello."""
        try:
            message = json.loads(raw)
            if "event" in message:
                self._take_event(message)
                return False
            return self._take_answer(message, outbox)
        except (ValueError, KeyError, TypeError, AttributeError):
            log.exception("galaxy-head-node said what protocol %d does not have: %.500r", PROTOCOL, raw)
            return False

    def _take_event(self, message: dict[str, Any]) -> None:
        if message["event"] == "state":
            self._tell(message)
        elif message["event"] == "error":
            log.error("galaxy-head-node could not read a request: %s", message["message"])
        # Events `waiting` and `note` are in its log too.

    def _take_answer(self, message: dict[str, Any], outbox: queue.SimpleQueue) -> bool:
        number = message["id"]
        if number == 0:
            return self._take_hello(message, outbox)
        with self._lock:
            method, run = self._asked.pop(number)
        if "error" in message:
            self._take_error(method, run, message["error"])
        elif method == "cancel" or (method == "submit" and message["result"]["state"] not in ENDED):
            # Of a run that has ended, submit is followed by the event that says how.
            self._tell(message["result"])
        return False

    def _take_hello(self, message: dict[str, Any], outbox: queue.SimpleQueue) -> bool:
        if "error" in message:
            log.error("galaxy-head-node refuses to serve: %s", message["error"]["message"])
            return False
        result = message["result"]
        log.info(
            "galaxy-head-node %s serves instance %s with the executor %s",
            *(result[key] for key in ("version", "instance", "executor")),
        )
        with self._lock:
            self.executor = result["executor"]
            if self._closed.is_set():
                return True
            self._outbox = outbox
            for run in list(self._runs):
                self._ask_about(run)
        return True

    def _take_error(self, method: str, run: Optional[str], error: dict[str, Any]) -> None:
        words = error["message"]
        if run is None or method in ("finished", "forget"):
            log.debug("galaxy-head-node refused %s of %s: %s", method, run, words)
            return
        with self._lock:
            submission = self._runs.get(run)
            if submission is None or submission.request[0] != method:
                return
            if error["retryable"]:
                submission.attempts += 1
                pause = min(FIRST_PAUSE * 2 ** min(submission.attempts, 10), LONGEST_PAUSE)
                self._later.append((time.monotonic() + pause, run))
                log.info("galaxy-head-node is asked again in %d s to %s %s: %s", pause, method, run, words)
                return
            del self._runs[run]
        self._notify(Refused(run, method, words))

    def _tell(self, facts: dict[str, Any]) -> None:
        run, state = facts["run"], facts["state"]
        if state in ENDED:
            with self._lock:
                # Only the last state of a run that is still waited for counts.
                self._runs.pop(run, None)
        self._notify(RunEvent(run, state, facts.get("message", ""), facts.get("exit_code")))
