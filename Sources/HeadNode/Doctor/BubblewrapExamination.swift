// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Names
import Staging

/// Whether tools can be run in namespaces here: starts the smallest one, as a try would.
struct BubblewrapExamination {
    private static let check = "bubblewrap"
    /// Rounds of 20 ms that the smallest tool may take.
    private static let rounds = 500

    let settings: LocalSettings

    func run() async -> DoctorFinding {
        do {
            let (status, words) = try await trial(plan())
            if status == 0 || isMissingTool(words) {
                return .ok(Self.check, "a program ran in namespaces of its own")
            }
            return .fail(
                Self.check,
                "nothing runs in namespaces of its own: \(words.isEmpty ? "status \(status)" : words)",
                NamespaceAdvice.here().remedy
            )
        } catch let error as any ExplainedError {
            return .fail(Self.check, error)
        } catch {
            return .fail(Self.check, "\(error)".logSafe, "")
        }
    }

    private func plan() throws -> BubblewrapPlan {
        BubblewrapPlan(
            bubblewrap: try Programs.bubblewrap(),
            mounts: try RootFileSystemPlan.mounts(for: settings.root),
            sharesNetwork: settings.network == .host,
            user: LocalUser.own.user,
            group: LocalUser.own.group,
            canDisableUserNamespaces: false,
            command: [ByteString("/bin/true")]
        )
    }

    /// A root file system without /bin/true is no fault: bubblewrap came as far as starting it.
    private func isMissingTool(_ words: String) -> Bool {
        settings.root != .host && words.utf8.starts(with: "bwrap: execvp".utf8)
    }

    private func trial(_ plan: BubblewrapPlan) async throws -> (status: Int32, words: String) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw StagingError.system("make", "a pipe")
        }
        let (reading, words) = (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
        // Read after the end of the program; should it have left nothing, nobody waits.
        _ = fcntl(reading.raw, F_SETFL, O_NONBLOCK)
        let launch = ProcessLaunch(
            command: plan.arguments,
            workingDirectory: .root,
            environment: [],
            stdout: words,
            stderr: words,
            user: LocalUser.own.ifOther
        )
        let pid = try launch.start()
        var status: Int32 = 0
        for _ in 0..<Self.rounds {
            if waitpid(pid, &status, WNOHANG) == pid {
                return (status, Self.firstLine(from: reading))
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
        return (-1, "it does not end")
    }

    /// What is in the pipe by now; a pipe holds more than bubblewrap says.
    private static func firstLine(from pipe: Descriptor) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(pipe.raw, &buffer, buffer.count)
        return buffer.prefix(max(0, count)).prefix { $0 != UInt8(ascii: "\n") }.logSafe
    }
}
