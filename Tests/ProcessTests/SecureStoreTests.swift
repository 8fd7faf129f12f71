// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// A bucket behind https whose answers come in records of every size and in pieces that end anywhere,
/// met by the libcurl that the worker, and the head as it is installed, have in them
/// (Scripts/libcurl-read-ahead.patch).
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct SecureStoreTests {
    @Test(arguments: ["1.2", "1.3"])
    func nothingIsWaitedForThatIsThere(version: String) async throws {
        let (reports, _) = try await run(version: version)
        #expect(reports.map(\.name) == ["stage", "fetch", "tool", "push", "collect"])
        // Bytes that nobody asks for would be missed after a silence of 30 s, and asked for again.
        #expect(reports.allSatisfy { $0.retries == 0 }, "\(reports)")
    }

    @Test(arguments: ["1.2", "1.3"])
    func connectionsThatBreakWithinARecord(version: String) async throws {
        let (reports, cuts) = try await run(version: version, life: 6 << 20)
        #expect(cuts > 0)
        for phase in ["fetch", "collect"] {
            #expect(reports.contains { $0.name == phase && $0.retries > 0 }, "\(reports)")
        }
    }

    /// A whole job, whose files are compared.
    ///
    /// - Parameter life: after how many bytes a connection breaks; 0 for never.
    /// - Returns: what each phase has cost, and how many connections broke.
    private func run(
        version: String,
        life: Int = 0
    ) async throws -> (reports: [RunAnswer.Line.Report], cuts: Int) {
        let real = try await TestServer.running(.seaweed)
        let place = try Place()
        defer { place.remove() }
        let words = ["/usr/bin/python3", place.front, place.certificate, place.key]
        let front = try RunningProgram(
            words + (try address(of: real)) + [version, "\(life)"],
            environment: ["PATH": "/usr/bin:/bin"],
            streams: place.folder + "/front"
        )
        defer { front.send(SIGKILL) }
        try await Patience.long.wait("the front") { front.output.hasSuffix("\n") || front.hasEnded }
        let url = front.output.split(separator: "\n").first.map(String.init) ?? ""
        try #require(url.hasPrefix("https://"), "\(front.errors)")
        let server = TestServer(
            endpoint: url,
            bucket: real.bucket,
            credentials: real.credentials
        )
        var reports: [RunAnswer.Line.Report] = []
        try await Lab.run(on: server, programs: BuiltPrograms.installed) { lab in
            let tool = """
                cp "$IN1" "$OUT"; cp -a "${IN2%.dat}_files" "$OUT_FILES"; echo said
                """
            let job = try GalaxyJob(
                folder: lab.folder,
                tool: tool,
                extraFiles: "for i in {1..300}; do head -c $((i * 97)) /dev/urandom > $i; done"
            )
            // Several ranges, and more than a connection lives for.
            try Shell.run("head -c 20000003 /dev/urandom > \(job.largeInput)")
            let (status, answer) = try await lab.run(
                job,
                ["--set", "s3.ca_file=\(place.certificate)"]
            )
            #expect(status == 0, "\(answer.ending?.message ?? answer.error?.message ?? "")")
            try Shell.run("cmp \(job.largeInput) \(job.output)")
            let there = try FileTree(job.outputExtraFiles)
                .differences(from: FileTree(job.extraFiles))
            #expect(there == [])
            #expect(Shell.text("\(job.outputs)/tool_stdout") == "said\n")
            reports = answer.reports
        }
        return (reports, front.output.split(separator: "\n").count - 1)
    }

    /// Host and port of a server that speaks http.
    private func address(of server: TestServer) throws -> [String] {
        let words = server.endpoint.split(separator: "/").last?.split(separator: ":")
        return try #require(words).map(String.init)
    }

    /// A folder with a certificate that is its own authority.
    private struct Place {
        let folder: String
        var certificate: String { folder + "/certificate.pem" }
        var key: String { folder + "/key.pem" }
        let front =
            #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined()
            + "/Tools/tls_front.py"

        init() throws {
            folder = String(try Shell.run("mktemp -d /tmp/galaxy-s3-secure-XXXXXX").dropLast())
            try Shell.run(
                """
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test \
                    -addext subjectAltName=IP:127.0.0.1 -keyout \(key) -out \(certificate)
                """
            )
        }

        func remove() { _ = try? Shell.run("rm -rf \(folder)") }
    }
}
