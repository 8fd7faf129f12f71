// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Names
import Staging

/// Looks after one local try, as a kubelet looks after a pod: starts it, waits for it, notes how it
/// ended. It speaks to nobody, so it needs nothing of the head's.
enum LocalSupervisor {
    /// Runs the order in `folder` to its end.
    static func run(_ folder: TryFolder) throws(HeadError) {
        // A head that ends, or a terminal that closes, is no reason to end.
        signal(SIGHUP, SIG_IGN)
        signal(SIGINT, SIG_IGN)
        let lock = try folder.open("lock", O_RDWR | O_CREAT)
        guard flock(lock.raw, LOCK_EX | LOCK_NB) == 0 else { return }
        try folder.write(getpid(), as: "pid.json")
        guard let order = try folder.read(TryFolder.Order.self, from: "order.json") else {
            throw HeadError(.executor, what: "There is no order", place: folder.path.logSafe)
        }
        let log = try folder.open("log", O_WRONLY | O_CREAT | O_APPEND)
        let launch = ProcessLaunch(
            command: order.command,
            workingDirectory: .root,
            environment: ProcessLaunch.ownEnvironment(),
            stdout: log,
            stderr: log
        )
        let pid: pid_t
        do throws(StagingError) {
            pid = try launch.start()
        } catch {
            throw HeadError(error, doing: "Cannot start the worker")
        }
        // bubblewrap dies with this process and everything in it, so ending us ends the try.
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let code = status & 0x7f == 0 ? Int(status >> 8 & 0xff) : 128 + Int(status & 0x7f)
        try folder.write(TryFolder.Exit(status: code), as: "exit.json")
        withExtendedLifetime(lock) {}
    }
}
