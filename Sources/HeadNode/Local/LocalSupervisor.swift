// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Names
import Staging

/// Looks after one local try, as a kubelet looks after a pod: starts its containers, waits for
/// them, notes how it ended. It speaks to nobody, so it needs nothing of the head's.
struct LocalSupervisor {
    private let folder: TryFolder
    private let log: Descriptor

    /// Runs the pod in `folder` to its end; does nothing if another supervisor has it.
    static func run(_ folder: TryFolder) throws(HeadError) {
        // A head that ends, or a terminal that closes, is no reason to end.
        signal(SIGHUP, SIG_IGN)
        signal(SIGINT, SIG_IGN)
        guard let lock = try folder.takeLock() else { return }
        try folder.write(getpid(), as: "pid.json")
        guard let pod = try folder.read(LocalPod.self, from: "pod.json") else {
            throw HeadError(.executor, what: "There is no pod", place: folder.path.logSafe)
        }
        let supervisor = LocalSupervisor(
            folder: folder,
            log: try folder.open("log", O_WRONLY | O_CREAT | O_APPEND)
        )
        let status = try supervisor.run(pod)
        try folder.write(TryFolder.Exit(status: status), as: "exit.json")
        withExtendedLifetime(lock) {}
    }

    /// - Returns: the status of the first init container that failed, else of the last container.
    private func run(_ pod: LocalPod) throws(HeadError) -> Int {
        for container in pod.initContainers {
            let status = Self.wait(for: try start(container, as: pod.user))
            if status != 0 { return status }
        }
        var others: [pid_t] = []
        for container in pod.containers.dropLast() {
            others.append(try start(container, as: pod.user))
        }
        guard let last = pod.containers.last else { return 0 }
        let lastPid = try start(last, as: pod.user)
        let status = try wait(for: lastPid, beside: &others)
        for pid in others { kill(pid, SIGKILL) }
        for pid in others { _ = Self.wait(for: pid) }
        return status
    }

    /// Waits for `last`. When one of `others` has ended after it had begun its work, `last` is told;
    /// when it has ended before, so is `last`: there is nothing to wait for.
    ///
    /// What the tool has left in the volume plays no part in that: it could be anything.
    ///
    /// - Returns: the status of whichever of the two decides.
    private func wait(
        for last: pid_t,
        beside others: inout [pid_t]
    ) throws(HeadError) -> Int {
        while true {
            var status: Int32 = 0
            let pid = waitpid(-1, &status, 0)
            if pid < 0, errno == EINTR { continue }
            if pid < 0 { return 255 }
            if pid == last { return Self.shellStatus(status) }
            others.removeAll { $0 == pid }
            let ending = Self.shellStatus(status)
            if ending == WorkerExit.committed.rawValue || ending == WorkerExit.stopped.rawValue
                || ending >= 128
            {
                try folder.noteToolEnded()
                continue
            }
            kill(last, SIGKILL)
            _ = Self.wait(for: last)
            return ending
        }
    }

    /// bubblewrap dies with this process and everything in it, so ending us ends the try.
    private func start(
        _ container: LocalPod.Container,
        as user: UInt32?
    ) throws(HeadError) -> pid_t {
        let environment = ProcessLaunch.ownEnvironment()
            .filter { entry in
                container.hasCredentials || !entry.bytes.starts(with: "AWS_".utf8)
            }
        let launch = ProcessLaunch(
            command: container.command,
            workingDirectory: .root,
            environment: environment,
            stdout: log,
            stderr: log,
            user: user
        )
        do throws(StagingError) {
            return try launch.start()
        } catch {
            throw HeadError(error, doing: "Cannot start the container \(container.name)")
        }
    }

    /// As a shell says it: the exit status, or 128 + the signal.
    private static func wait(for pid: pid_t) -> Int {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { return 255 }
        }
        return shellStatus(status)
    }

    private static func shellStatus(_ status: Int32) -> Int {
        status & 0x7f == 0 ? Int(status >> 8 & 0xff) : 128 + Int(status & 0x7f)
    }
}
