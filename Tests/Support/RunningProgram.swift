// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// A program that runs beside the test, in a process group of its own, its streams in files.
package final class RunningProgram: Sendable {
    /// How a program ended and what it said.
    package struct Ending: Sendable {
        /// The exit status; 128 and the signal's number for a program that was killed.
        package let status: Int32
        package let output: String
        package let errors: String
    }

    package let pid: pid_t
    package let outputPath: String
    package let errorsPath: String
    private let status = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - environment: all of it; nothing is inherited.
    ///   - input: the file that it reads as its standard input.
    ///   - streams: the beginning of the paths of the files that its two streams go to.
    package init(
        _ words: [String],
        environment: [String: String],
        input: String = "/dev/null",
        streams: String
    ) throws {
        outputPath = streams + ".out"
        errorsPath = streams + ".err"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let flags = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, flags, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, errorsPath, flags, 0o644)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var entries: [UnsafeMutablePointer<CChar>?] =
            environment.map { strdup("\($0)=\($1)") } + [nil]
        // SAFETY: the copies are ours from strdup and freed here, after posix_spawn has read them.
        defer { for copy in arguments + entries { free(copy) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, words[0], &actions, &attributes, &arguments, &entries)
        guard code == 0 else {
            throw ChildProcess.Failure(
                description: "\(words[0]): \(String(cString: strerror(code)))"
            )
        }
        self.pid = pid
    }

    /// What it has written to standard output so far.
    package var output: String { Self.text(of: outputPath) }

    /// What it has written to standard error so far.
    package var errors: String { Self.text(of: errorsPath) }

    package func send(_ signal: Int32) {
        status.withLock { if $0 == nil { kill(pid, signal) } }
    }

    /// Whether it has ended.
    package var hasEnded: Bool {
        status.withLock { status in
            if status != nil { return true }
            var raw: Int32 = 0
            guard waitpid(pid, &raw, WNOHANG) == pid else { return false }
            let signal = raw & 0x7F
            status = signal == 0 ? raw >> 8 & 0xFF : 128 + signal
            return true
        }
    }

    /// Waits for its end.
    ///
    /// - Throws: when it has not ended after a long time; it is killed then.
    @discardableResult
    package func ending(_ patience: Patience = .long) async throws -> Ending {
        do {
            try await patience.wait("process \(pid) to end") { hasEnded }
        } catch {
            send(SIGKILL)
            throw ChildProcess.Failure(description: "\(error); it had said: \(output)\(errors)")
        }
        return Ending(
            status: status.withLock { $0 ?? -1 },
            output: output,
            errors: errors
        )
    }

    private static func text(of path: String) -> String {
        String(decoding: (try? ChildProcess.contents(of: path)) ?? [], as: UTF8.self)
    }
}

/// How long a test waits for what has to happen: a bound against hanging, no promise of speed.
package struct Patience: Sendable {
    let seconds: Int

    package static let long = Patience(seconds: 180)
    /// Three minutes on a machine with nothing else to do have some 9000.
    private static let fewestLooks = 1000
    /// For a kubelet, which looks at disks only now and then.
    package static let veryLong = Patience(seconds: 360)
    /// For dozens of jobs at once on a small machine.
    package static let forMany = Patience(seconds: 1200)

    /// Looks again and again, and gives up with an error that says for what.
    package func wait(
        _ what: String,
        until isTrue: () async throws -> Bool
    ) async throws {
        let end = ContinuousClock.now + .seconds(seconds)
        var looks = 0
        // Where other tests take all the time there is, what is waited for gets none either.
        while ContinuousClock.now < end || looks < Self.fewestLooks {
            if try await isTrue() { return }
            looks += 1
            try await Task.sleep(for: .milliseconds(20))
        }
        throw ChildProcess.Failure(description: "waited \(seconds) s in vain for \(what)")
    }
}
