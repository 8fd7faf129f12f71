// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport

/// The programs under test: the head node from this build, and the static worker.
struct BuiltPrograms: Sendable {
    let headNode: String
    let worker: String

    /// Found, and the worker made if need be, once a process.
    static let shared = Result { try BuiltPrograms() }

    private init() throws {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let own = String(
            decoding: buffer[..<max(count, 0)].map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
        let folder = own.split(separator: "/").dropLast().map { "/" + $0 }.joined()
        headNode = folder + "/galaxy-head-node"
        worker = try Self.staticWorker()
        for program in [headNode, worker] where access(program, X_OK) != 0 {
            throw ChildProcess.Failure(description: "\(program) is not there")
        }
    }

    /// The tool's sandbox does not hold this build's libraries, so the worker is the static one.
    private static func staticWorker() throws -> String {
        if let given = getenv("GALAXY_S3_TEST_WORKER") { return String(cString: given) }
        let repository = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        try Shell.run("\(repository)/Scripts/worker")
        return repository + "/dist/galaxy-worker-exec"
    }
}
