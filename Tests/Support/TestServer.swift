// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import Names
import S3Client
import Transport

/// A real S3 server on this machine that tests may use.
package struct TestServer: Sendable {
    package enum Kind: String, Sendable {
        case seaweed = "GALAXY_S3_TEST_SEAWEED"
        case moto = "GALAXY_S3_TEST_MOTO"
    }

    package struct Missing: Error, CustomStringConvertible {
        package let description: String
    }

    package let endpoint: String
    package let bucket: String
    package let credentials: Credentials

    /// A server that the caller has started.
    package init(endpoint: String, bucket: String, credentials: Credentials) {
        self.endpoint = endpoint
        self.bucket = bucket
        self.credentials = credentials
    }

    /// Whether tests with servers are switched off.
    package static var isOff: Bool { environment("GALAXY_S3_TEST_SERVERS") == "none" }

    /// The server whose endpoint is in the environment, or one that is started now and ends with
    /// this process.
    package static func running(_ kind: Kind) async throws -> TestServer {
        try await TestServers.shared.server(kind)
    }

    /// A store on this server's bucket.
    package func store(
        policy: RetryPolicy = .standard,
        checksums: StorageOptions.ChecksumMode = .whenSupported,
        credentials: Credentials? = nil,
        bucket: String? = nil,
        clock: StoreClock = .system
    ) throws -> S3Store {
        let endpoint = try S3Endpoint(
            url: endpoint,
            bucket: bucket ?? self.bucket,
            region: "us-east-1",
            // Where pods must reach it, the server has an address beside this machine's own.
            allowHTTP: true
        )
        return S3Store(
            options: try StorageOptions(
                endpoint: endpoint,
                region: "us-east-1",
                checksums: checksums
            ),
            credentials: FixedCredentials(credentials ?? self.credentials),
            transport: try CurlTransport(),
            policy: policy,
            budget: RetryBudget(),
            clock: clock
        )
    }

    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// Starts each kind of server once a process.
private actor TestServers {
    static let shared = TestServers()

    private var servers: [TestServer.Kind: TestServer] = [:]

    func server(_ kind: TestServer.Kind) throws -> TestServer {
        if let server = servers[kind] { return server }
        // No await from here to the end: two tests never start two servers.
        let server = try given(kind) ?? started(kind)
        servers[kind] = server
        return server
    }

    private func given(_ kind: TestServer.Kind) -> TestServer? {
        guard let endpoint = TestServer.environment(kind.rawValue) else { return nil }
        return TestServer(
            endpoint: endpoint,
            bucket: TestServer.environment("GALAXY_S3_BUCKET") ?? "galaxy",
            credentials: Credentials(
                accessKeyID: TestServer.environment("AWS_ACCESS_KEY_ID") ?? "test",
                secretKey: Redacted(TestServer.environment("AWS_SECRET_ACCESS_KEY") ?? "test")
            )
        )
    }

    /// Runs `Scripts/s3-server` in a shell that stops the server when its standard input ends, which
    /// is when this process does, however it ends.
    private func started(_ kind: TestServer.Kind) throws -> TestServer {
        let script =
            #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
            + "/Scripts/s3-server"
        let folder = "/tmp/galaxy-s3-\(kind)-\(getpid())"
        let needed = "\(kind) is needed: run \(script), set \(kind.rawValue), or set "
        let missing = TestServer.Missing(description: needed + "GALAXY_S3_TEST_SERVERS=none")
        guard access(script, X_OK) == 0 else { throw missing }
        mkdir(folder, 0o700)
        let option = kind == .moto ? "--moto" : ""
        try spawnHeldByPipe(
            "'\(script)' start \(option) '\(folder)/server' > '\(folder)/exports.new' "
                + "&& mv '\(folder)/exports.new' '\(folder)/exports'; touch '\(folder)/tried'; "
                + "read -r end; '\(script)' stop '\(folder)/server'; rm -rf '\(folder)'"
        )
        for _ in 0..<1200 where access(folder + "/tried", F_OK) != 0 { usleep(100_000) }
        guard let text = try? ChildProcess.contents(of: folder + "/exports") else { throw missing }
        var exports: [String: String] = [:]
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let words = line.dropFirst("export ".count).split(separator: "=", maxSplits: 1)
            if words.count == 2 { exports[String(words[0])] = String(words[1]) }
        }
        guard let endpoint = exports["AWS_ENDPOINT_URL_S3"],
            let bucket = exports["GALAXY_S3_BUCKET"],
            let id = exports["AWS_ACCESS_KEY_ID"], let secret = exports["AWS_SECRET_ACCESS_KEY"]
        else { throw missing }
        return TestServer(
            endpoint: endpoint,
            bucket: bucket,
            credentials: Credentials(accessKeyID: id, secretKey: Redacted(secret))
        )
    }

    /// Starts `/bin/bash -c command` with a pipe as its input whose other end stays open here.
    private func spawnHeldByPipe(_ command: String) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0, fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0,
            fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0
        else {
            throw TestServer.Missing(description: "no pipe: \(String(cString: strerror(errno)))")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        posix_spawn_file_actions_adddup2(&actions, 2, 1)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own: an interrupt from the terminal must not reach it before its end of
        // input does.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        let words = ["/bin/bash", "-c", command]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        arguments.append(nil)
        // SAFETY: the copies are ours from strdup and freed here, after posix_spawn has read them.
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, "/bin/bash", &actions, &attributes, arguments, environ)
        close(ends[0])
        guard code == 0 else {
            throw TestServer.Missing(description: "no shell: \(String(cString: strerror(code)))")
        }
    }
}
