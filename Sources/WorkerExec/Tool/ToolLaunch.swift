// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import Staging

/// Starts the job script: in a process group of its own, with default signals, and with no
/// descriptor of ours but its three streams.
struct ToolLaunch: Sendable {
    let command: [ByteString]
    let workingDirectory: FilePath
    let environment: [ByteString]
    let stdout: Descriptor
    let stderr: Descriptor

    /// Starts it and gives its pid, which is also its process group.
    ///
    /// - Throws: errno's text when the program cannot be started.
    func start() throws(StagingError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        // SAFETY: both structures are this scope's own; C copies what it keeps.
        defer { posix_spawn_file_actions_destroy(&actions) }
        let input = try Self.emptyInput()
        workingDirectory.withCString { _ = posix_spawn_file_actions_addchdir_np(&actions, $0) }
        posix_spawn_file_actions_adddup2(&actions, input.raw, 0)
        posix_spawn_file_actions_adddup2(&actions, stdout.raw, 1)
        posix_spawn_file_actions_adddup2(&actions, stderr.raw, 2)
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var all = sigset_t()
        var none = sigset_t()
        sigfillset(&all)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var pid: pid_t = 0
        let error = withCStrings(command) { arguments in
            withCStrings(environment) { environment in
                posix_spawn(&pid, arguments[0], &actions, &attributes, arguments, environment)
            }
        }
        guard error == 0 else {
            throw .system("start", command.first?.logSafe ?? "nothing", error)
        }
        return pid
    }

    /// A standard input that is at its end, also where there is no /dev/null.
    private static func emptyInput() throws(StagingError) -> Descriptor {
        var ends: [Int32] = [0, 0]
        guard pipe2(&ends, O_CLOEXEC) == 0 else { throw .system("make", "a pipe") }
        close(ends[1])
        return Descriptor(owning: ends[0])
    }
}

/// Calls `body` with `strings` as C's argument vectors are.
private func withCStrings<Result>(
    _ strings: [ByteString],
    _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    // SAFETY: each copy is made here and freed here, after `body` has returned.
    let copies: [UnsafeMutablePointer<CChar>?] = strings.map { string in
        string.bytes.withCPath { strdup($0) }
    }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
}
