// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import TestSupport
import Testing

@testable import Staging

/// What no machine can start is told apart from what this one cannot start now: only of the latter is
/// another try worth anything.
@Suite struct ProcessLaunchTests {
    private func code(_ command: [ByteString]) throws -> StagingError.Code? {
        let file = try TemporaryFile()
        let launch = ProcessLaunch(
            command: command,
            workingDirectory: try FilePath("/"),
            environment: [],
            stdout: Descriptor(owning: dup(file.descriptor)),
            stderr: Descriptor(owning: dup(file.descriptor))
        )
        do throws(StagingError) {
            let pid = try launch.start()
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `a program that is there is started`() throws {
        #expect(try code([ByteString("/bin/true")]) == nil)
    }

    @Test func `what no machine could start is no trouble of this one`() throws {
        #expect(try code([ByteString("/no/such/program")]) == .missing)
        #expect(try code([ByteString("/etc/passwd")]) == .unreadable)
        // No argument is longer than 128 KiB (MAX_ARG_STRLEN).
        let long = ByteString([UInt8](repeating: 120, count: 200_000))
        #expect(try code([ByteString("/bin/true"), long]) == .refused)
        let text = try Shell.run("f=$(mktemp); echo text > $f; chmod 755 $f; printf %s $f")
        defer { unlink(text) }
        #expect(try code([ByteString(text)]) == .refused)
    }
}
