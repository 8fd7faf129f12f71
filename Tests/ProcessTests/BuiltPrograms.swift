// SPDX-License-Identifier: Apache-2.0

import Digests
import Glibc
import TestSupport

/// The programs under test: the head node from this build, and the static worker.
struct BuiltPrograms: Sendable {
    let headNode: String
    let worker: String

    /// Found, and the worker made if need be, once a process.
    static let shared = Result { try BuiltPrograms() }

    /// With the head as it is installed, which has our libcurl, if GALAXY_S3_TEST_HEAD says where it is.
    static let installed = Result { try BuiltPrograms(headNode: getenv("GALAXY_S3_TEST_HEAD")) }

    private init(headNode given: UnsafePointer<CChar>?) throws {
        worker = try Self.shared.get().worker
        headNode =
            try given.map { try Self.withinReach(String(cString: $0)) }
            ?? Self.shared.get().headNode
    }

    private init() throws {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let own = String(
            decoding: buffer[..<max(count, 0)].map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
        let folder = own.split(separator: "/").dropLast().map { "/" + $0 }.joined()
        headNode = try Self.withinReach(folder + "/galaxy-head-node")
        worker = try Self.withinReach(try Self.staticWorker())
    }

    /// A copy that other users can run too, wherever the repository is. The place is the same for
    /// every process of this user that runs this program, so that nothing piles up and no other
    /// checkout's takes its place; a copy appears whole.
    private static func withinReach(_ program: String) throws -> String {
        guard access(program, X_OK) == 0 else {
            throw ChildProcess.Failure(description: "\(program) is not there")
        }
        let name = program.split(separator: "/").last.map(String.init) ?? ""
        let place = SHA256Digest(of: Array(program.utf8)).hex.prefix(16)
        let folder = "/var/tmp/galaxy-s3-executor-programs-\(getuid())/\(place)"
        let copy = "\(folder)/\(name)"
        try Shell.run(
            """
            umask 022; mkdir -p \(folder); cp '\(program)' \(copy).\(getpid())
            mv \(copy).\(getpid()) \(copy)
            """
        )
        return copy
    }

    /// The tool's sandbox does not hold this build's libraries, so the worker is the static one.
    private static func staticWorker() throws -> String {
        if let given = getenv("GALAXY_S3_TEST_WORKER") { return String(cString: given) }
        let repository = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        try Shell.run("\(repository)/Scripts/worker")
        return repository + "/dist/galaxy-worker-exec"
    }
}
