// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials
import Glibc
import S3Client
import TestSupport

/// A lab whose programs meet the bucket through Tests/Tools/faulty_s3, which does as it is told.
struct FaultyStore {
    let lab: Lab
    private let url: String
    private let proxy: RunningProgram

    /// One request, as the proxy has seen it.
    struct Request: Decodable {
        var operation: String
        var key: String
        /// What the client was told; nil when it was told nothing.
        var status: Int?
    }

    /// Gives `body` a store, and ends the proxy afterwards.
    static func run(_ body: (FaultyStore) async throws -> Void) async throws {
        try await run(before: TestServer.running(.seaweed), body)
    }

    static func run(
        before real: TestServer,
        _ body: (FaultyStore) async throws -> Void
    ) async throws {
        var template = Array("/tmp/galaxy-s3-faulty-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw ChildProcess.Failure(description: "mkdtemp: \(String(cString: strerror(errno)))")
        }
        let folder = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
        defer { _ = try? Shell.run("rm -rf \(folder)") }
        let tools =
            #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined() + "/Tests/Tools"
        let proxy = try RunningProgram(
            ["/usr/bin/python3", "\(tools)/faulty_s3", "--to", real.endpoint],
            environment: [
                "AWS_ACCESS_KEY_ID": real.credentials.accessKeyID,
                "AWS_SECRET_ACCESS_KEY": real.credentials.secretKey.reveal(),
                "PATH": "/usr/bin:/bin",
            ],
            streams: "\(folder)/proxy"
        )
        defer { proxy.send(SIGKILL) }
        try await Patience.long.wait("the proxy") {
            proxy.output.hasSuffix("\n") || proxy.hasEnded
        }
        let url = proxy.output.split(separator: "\n").first.map(String.init) ?? ""
        let server = TestServer(
            endpoint: url,
            bucket: real.bucket,
            credentials: real.credentials
        )
        try await Lab.run(on: server) { lab in
            try await body(FaultyStore(lab: lab, url: url, proxy: proxy))
        }
    }

    /// Replaces the rules, JSON as Tests/Tools/faulty_s3/faults.py has it.
    func rules(_ text: String) throws {
        let file = lab.folder + "/rules.json"
        try ChildProcess.write(Array(text.utf8), to: file)
        let answer = try Shell.run("curl -s -X PUT --data-binary @\(file) \(url)/_rules")
        guard answer.utf8.first == UInt8(ascii: "[") else {
            throw ChildProcess.Failure(description: "the proxy does not take the rules: \(answer)")
        }
    }

    /// Where the head is to ask for keys, and finds these from now on.
    ///
    /// - Parameter lifetime: how many seconds they last, from when they are asked for.
    @discardableResult
    func give(
        _ keys: Credentials,
        lifetime: Int
    ) throws -> [String: String] {
        let file = lab.folder + "/keys.json"
        let text = """
            {"AccessKeyId": "\(keys.accessKeyID)", "SecretAccessKey": "\(keys.secretKey.reveal())",
             "lifetime": \(lifetime)}
            """
        try ChildProcess.write(Array(text.utf8), to: file)
        defer { unlink(file) }
        try Shell.run("curl -sS --fail -X PUT --data-binary @\(file) \(url)/_keys > /dev/null")
        return [
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(url)/_keys",
            "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
        ]
    }

    /// How often the rules were used, in their order: a body that is not there cannot be cut.
    func uses() throws -> [Int] {
        struct Rule: Decodable { var used: Int }
        let text = try Shell.run("curl -s \(url)/_rules")
        return try JSONDecoder().decode([Rule].self, from: Data(text.utf8)).map(\.used)
    }

    /// Resets all connections, and refuses new ones for a while.
    func close(seconds: Int) throws {
        try Shell.run("curl -sS -X POST -d \(seconds) \(url)/_close")
    }

    /// Nothing passes any more, in either direction.
    func freeze() { proxy.send(SIGSTOP) }

    func thaw() { proxy.send(SIGCONT) }

    /// Waits until a request of this operation has come for a key that holds `part`.
    func wait(
        for operation: String,
        _ part: String
    ) async throws {
        try await Patience.long.wait("a \(operation) of \(part)") {
            try requests().contains { $0.operation == operation && $0.key.contains(part) }
        }
    }

    /// All requests so far.
    func requests() throws -> [Request] {
        let text = try Shell.run("curl -s \(url)/_log")
        return try JSONDecoder().decode([Request].self, from: Data(text.utf8))
    }
}
