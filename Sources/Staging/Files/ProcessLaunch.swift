// SPDX-License-Identifier: Apache-2.0

import CLinux
import Contract
import Glibc
import Names

/// Starts a program: in a process group of its own, with default signals, and with no descriptor
/// of ours but its three streams.
package struct ProcessLaunch: Sendable {
    let command: [ByteString]
    let workingDirectory: FilePath
    let environment: [ByteString]
    let stdout: Descriptor
    let stderr: Descriptor
    let user: UInt32?

    /// - Parameters:
    ///   - environment: `NAME=value` each; nothing is inherited.
    ///   - user: whom the program runs as, with the group of the same number and no other; this
    ///     process's own user if nil. Only root may say one.
    package init(
        command: [ByteString],
        workingDirectory: FilePath,
        environment: [ByteString],
        stdout: Descriptor,
        stderr: Descriptor,
        user: UInt32? = nil
    ) {
        self.command = command
        self.workingDirectory = workingDirectory
        self.environment = environment
        self.stdout = stdout
        self.stderr = stderr
        self.user = user
    }

    /// This process's own environment, as `NAME=value`.
    package static func ownEnvironment() -> [ByteString] {
        var entries: [ByteString] = []
        var next = environ
        // SAFETY: `environ` ends with a null pointer, and nothing in these programs changes it.
        while let entry = next.pointee {
            let bytes = UnsafeBufferPointer(start: entry, count: strlen(entry))
            entries.append(ByteString(bytes.map { UInt8(bitPattern: $0) }))
            next += 1
        }
        return entries
    }

    /// Starts it and gives its pid, which is also its process group.
    ///
    /// - Throws: errno's text when the program cannot be started: `.io` if this machine is short of
    ///   something, any other code if no machine could.
    package func start() throws(StagingError) -> pid_t {
        var pid: pid_t = 0
        let error = workingDirectory.withCString { directory in
            withCStrings(command) { arguments in
                withCStrings(environment) { environment in
                    if let user {
                        clinux_spawn_as(
                            &pid,
                            arguments,
                            environment,
                            directory,
                            stdout.raw,
                            stderr.raw,
                            user
                        )
                    } else {
                        clinux_spawn(
                            &pid,
                            arguments,
                            environment,
                            directory,
                            stdout.raw,
                            stderr.raw
                        )
                    }
                }
            }
        }
        let name = command.first?.logSafe ?? "nothing"
        switch error {
        case 0: return pid
        case E2BIG, ENOEXEC, EISDIR, ENAMETOOLONG, EINVAL:
            let reason = String(cString: strerror(error))
            throw StagingError(.refused, what: "Cannot start \(name): \(reason)")
        default: throw .system("start", name, error)
        }
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
