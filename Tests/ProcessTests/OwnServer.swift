// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials
import Glibc
import S3Client
import TestSupport

/// A SeaweedFS that a test may stop, kill and start again, and that knows somebody who may only
/// read, and somebody who may only go below `process/`, where labs are.
struct OwnServer {
    private let folder: String
    private let script: String
    /// What `Scripts/s3-server` is told each time it starts.
    private let options: String
    let server: TestServer
    /// May read and list, and nothing else.
    let reader: Credentials
    /// The same server for whoever may do what objects need, below `process/` alone.
    let tenant: TestServer

    /// Starts it, and ends it when `body` is done.
    ///
    /// - Parameter address: where others than this machine reach it.
    static func run(
        address: String? = nil,
        _ body: (OwnServer) async throws -> Void
    ) async throws {
        let server = try OwnServer(address)
        defer { server.remove() }
        try await body(server)
    }

    private init(_ address: String?) throws {
        var template = Array("/tmp/galaxy-s3-own-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw ChildProcess.Failure(description: "mkdtemp: \(String(cString: strerror(errno)))")
        }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        script =
            #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
            + "/Scripts/s3-server"
        reader = Credentials(accessKeyID: "reader", secretKey: Redacted("readersecretreader"))
        options =
            "--identities \(folder)/identities.json"
            + (address.map { " --address \($0)" } ?? "")
        try Self.write([Self.reader, Self.tenant], in: folder)
        let exports = try Self.start(script, folder, options)
        server = TestServer(
            endpoint: exports["AWS_ENDPOINT_URL_S3"] ?? "",
            bucket: exports["GALAXY_S3_BUCKET"] ?? "",
            credentials: Credentials(
                accessKeyID: exports["AWS_ACCESS_KEY_ID"] ?? "",
                secretKey: Redacted(exports["AWS_SECRET_ACCESS_KEY"] ?? "")
            )
        )
        tenant = TestServer(
            endpoint: server.endpoint,
            bucket: server.bucket,
            credentials: Credentials(
                accessKeyID: "tenant",
                secretKey: Redacted("tenantsecrettenant")
            )
        )
    }

    private static let reader = """
        {"name": "reader", "actions": ["Read:galaxy", "List:galaxy"],
         "credentials": [{"accessKey": "reader", "secretKey": "readersecretreader"}]}
        """

    private static let tenant = """
        {"name": "tenant",
         "actions": ["Read:galaxy/process/*", "Write:galaxy/process/*", "List:galaxy/process/*"],
         "credentials": [{"accessKey": "tenant", "secretKey": "tenantsecrettenant"}]}
        """

    private static func write(
        _ identities: [String],
        in folder: String
    ) throws {
        let text = "[\(identities.joined(separator: ",\n"))]"
        try ChildProcess.write(Array(text.utf8), to: folder + "/identities.json")
    }

    private static func start(
        _ script: String,
        _ folder: String,
        _ options: String
    ) throws -> [String: String] {
        // New keys each time: nothing here depends on the shared server's.
        try Shell.run(
            """
            unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
            '\(script)' start \(options) \(folder)/server \
                > \(folder)/exports 2> \(folder)/start.log
            """
        )
        var exports: [String: String] = [:]
        for line in Shell.text(folder + "/exports").split(separator: "\n") {
            let words = line.dropFirst("export ".count).split(separator: "=", maxSplits: 1)
            if words.count == 2 { exports[String(words[0])] = String(words[1]) }
        }
        return exports
    }

    /// Ends the server; what it holds stays.
    func stop() throws { try Shell.run("'\(script)' stop \(folder)/server") }

    /// Starts it again, where it was and with what it held.
    func startAgain() throws {
        try Shell.run(
            """
            . \(folder)/exports
            '\(script)' start \(options) --port "${AWS_ENDPOINT_URL_S3##*:}" \(folder)/server \
                > \(folder)/exports.again 2> \(folder)/start.log || cat \(folder)/start.log
            cmp \(folder)/exports \(folder)/exports.again
            """
        )
    }

    /// Who may do everything from the next start on, beside the owner; anybody known before is not.
    func admit(_ other: Credentials) throws {
        let identity = """
            {"name": "other", "actions": ["Admin", "Read", "Write", "List", "Tagging"],
             "credentials": [{"accessKey": "\(other.accessKeyID)",
                              "secretKey": "\(other.secretKey.reveal())"}]}
            """
        try Self.write([Self.reader, Self.tenant, identity], in: folder)
    }

    /// Stops the server's process for a while, as a network does that swallows everything.
    func freeze(for time: Duration) async throws {
        try send("STOP")
        try await Task.sleep(for: time)
        try send("CONT")
    }

    func send(_ signal: String) throws {
        try Shell.run("read -r pid started < \(folder)/server/process; kill -\(signal) $pid")
    }

    private func remove() {
        _ = try? send("CONT")
        _ = try? Shell.run("'\(script)' stop \(folder)/server; rm -rf \(folder)")
    }
}
