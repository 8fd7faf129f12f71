// SPDX-License-Identifier: Apache-2.0

import Glibc
import Staging
import Synchronization

/// Waits for the tool, reaps what it leaves, and ends what does not end by itself.
///
/// The worker is a subreaper, so every descendant whose parent dies becomes its child. Waiting
/// blocks, so it is done on a thread of its own.
final class ProcessReaper: Sendable {
    /// How the tool ended and what it cost.
    struct Ending: Sendable {
        /// As a shell says it: the exit status, or 128 + the signal.
        var status: Int
        /// User and system time of everything reaped, in seconds.
        var cpuSeconds: Double
        /// The largest resident set of one process, in bytes.
        var peakResidentBytes: Int64
    }

    let pid: pid_t
    private let hasEnded = Mutex(false)

    init(_ pid: pid_t) { self.pid = pid }

    /// Sends `signal` to the tool's process group, unless the tool has ended: its number could be
    /// somebody else's by then.
    func send(_ signal: Int32) {
        hasEnded.withLock { ended in
            if !ended { kill(-pid, signal) }
        }
    }

    /// Waits until the tool has ended and everything it started is gone.
    func wait() async -> Ending {
        await withCheckedContinuation { continuation in
            Threads.start { [self] in continuation.resume(returning: reapAll()) }
        }
    }

    private func reapAll() -> Ending {
        var ending = Ending(status: 255, cpuSeconds: 0, peakResidentBytes: 0)
        while true {
            var information = siginfo_t()
            // The tool stays a zombie until its group has been killed, so its number stays its own.
            guard waitid(P_ALL, 0, &information, WEXITED | WNOWAIT) == 0 else {
                if errno == EINTR { continue }
                break
            }
            let child = information._sifields._sigchld.si_pid
            if child == pid { break }
            // An orphan of the tool's: a zombie for every one would fill the table of processes.
            var usage = rusage()
            if wait4(child, nil, WNOHANG, &usage) == child { ending.add(usage) }
        }
        hasEnded.withLock { ended in
            kill(-pid, SIGKILL)
            ended = true
        }
        while true {
            var status: Int32 = 0
            var usage = rusage()
            let child = wait4(-1, &status, WNOHANG, &usage)
            if child > 0 {
                ending.add(usage)
                if child == pid { ending.status = Self.shellStatus(status) }
            } else if child == 0 {
                Self.killChildren()
                usleep(2_000)
            } else if errno != EINTR {
                return ending
            }
        }
    }

    /// Kills every child of this process, whatever group or session it has moved to.
    private static func killChildren() {
        guard let folder = opendir("/proc") else { return }
        // SAFETY: this scope owns `folder`.
        defer { closedir(folder) }
        let own = getpid()
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let pid = pid_t(name), parent(of: pid) == own else { continue }
            kill(pid, SIGKILL)
        }
    }

    /// The parent's pid, from `/proc/PID/stat`, whose second field may hold any byte but ends with
    /// the last closing parenthesis.
    private static func parent(of pid: pid_t) -> pid_t? {
        let fd = open("/proc/\(pid)/stat", O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        var buffer = [UInt8](repeating: 0, count: 512)
        let count = read(fd, &buffer, buffer.count)
        guard count > 0, let end = buffer[..<count].lastIndex(of: UInt8(ascii: ")")) else {
            return nil
        }
        let fields = buffer[(end + 1)..<count].split(separator: UInt8(ascii: " "))
        guard fields.count > 1 else { return nil }
        return pid_t(String(decoding: fields[1], as: UTF8.self))
    }

    private static func shellStatus(_ status: Int32) -> Int {
        status & 0x7f == 0 ? Int(status >> 8 & 0xff) : 128 + Int(status & 0x7f)
    }
}

extension ProcessReaper.Ending {
    fileprivate mutating func add(_ usage: rusage) {
        func seconds(_ time: timeval) -> Double {
            Double(time.tv_sec) + Double(time.tv_usec) / 1e6
        }
        cpuSeconds += seconds(usage.ru_utime) + seconds(usage.ru_stime)
        peakResidentBytes = max(peakResidentBytes, Int64(usage.ru_maxrss) << 10)
    }
}
