// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials
import Glibc
import Names
import S3Client
import TestSupport
import Testing

/// What one test has to itself: a folder, a prefix of the bucket, and the programs.
struct Lab {
    let folder: String
    let server: TestServer
    /// The part of the bucket that is this test's.
    let prefix: String
    let programs: BuiltPrograms

    /// Whether the tests that take long are wanted too: GALAXY_S3_TESTS=full.
    static var isFull: Bool { getenv("GALAXY_S3_TESTS").map { String(cString: $0) } == "full" }

    /// Gives `body` a lab, and removes the folder and its processes afterwards.
    static func run(_ body: (Lab) async throws -> Void) async throws {
        try await run(on: TestServer.running(.seaweed), body)
    }

    static func run(
        on server: TestServer,
        programs: Result<BuiltPrograms, any Error> = BuiltPrograms.shared,
        _ body: (Lab) async throws -> Void
    ) async throws {
        let lab = try Lab(server, try programs.get())
        defer { lab.tearDown() }
        try await body(lab)
        try lab.expectNoSecretOnDisk()
    }

    private init(_ server: TestServer, _ programs: BuiltPrograms) throws {
        self.server = server
        self.programs = programs
        var template = Array("/tmp/galaxy-s3-lab-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw ChildProcess.Failure(description: "mkdtemp: \(String(cString: strerror(errno)))")
        }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        prefix = "process/\(folder.suffix(6))"
        chmod(folder, 0o755)
        try Shell.run("mkdir -p \(folder)/state \(folder)/streams")
    }

    /// What of the environment the head node gets: keys and little else.
    var environment: [String: String] {
        [
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": folder,
            "LANG": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": server.credentials.accessKeyID,
            "AWS_SECRET_ACCESS_KEY": server.credentials.secretKey.reveal(),
            "AWS_EC2_METADATA_DISABLED": "true",
        ]
    }

    /// The arguments that say where the bucket is and how tries are run.
    var settings: [String] {
        let values = [
            "instance=lab", "s3.bucket=\(server.bucket)", "s3.endpoint=\(server.endpoint)",
            "s3.prefix=\(prefix)", "s3.region=us-east-1", "staging.pack_below=64Ki",
            "local.state_directory=\(folder)/state", "local.worker=\(programs.worker)",
            "disruption_delay=0s",
        ]
        return values.flatMap { ["--set", $0] }
    }

    /// Starts a verb of the head node on `job`.
    func start(
        _ verb: String,
        _ job: GalaxyJob,
        _ options: [String] = [],
        environment changes: [String: String] = [:],
        through wrapper: [String] = []
    ) throws -> RunningProgram {
        let words =
            wrapper + [programs.headNode, verb, "--job", job.description] + settings + options
        return try RunningProgram(
            words,
            environment: environment.merging(changes) { $1 },
            streams: "\(folder)/streams/\(verb)-\(Self.serial.next())"
        )
    }

    /// Runs a verb of the head node to its end.
    func head(
        _ verb: String,
        _ job: GalaxyJob,
        _ options: [String] = [],
        environment changes: [String: String] = [:],
        through wrapper: [String] = []
    ) async throws -> RunningProgram.Ending {
        try await start(verb, job, options, environment: changes, through: wrapper).ending()
    }

    /// Tells files of one test apart.
    static let serial = Counter()

    /// The store, for looking at what the programs have left there.
    var store: S3Store { get throws { try server.store() } }

    /// Keys below this test's prefix whose text contains `part`.
    func keys(_ part: String = "") async throws -> [String] {
        try await store.entries(below: Array("\(prefix)/".utf8))
            .map { String(decoding: $0.key.bytes, as: UTF8.self) }
            .filter { part.isEmpty || $0.contains(part) }
    }

    /// The text of the object at `key`.
    func text(_ key: String) async throws -> String {
        let found = try await store.bytes(of: ObjectKey(key), limit: 16 << 20)
        return String(decoding: found?.bytes ?? [], as: UTF8.self)
    }

    /// What attempts say of themselves, by attempt: the one that counts in the result, if it is short,
    /// the others in objects of their own.
    func reports() async throws -> [String: String] {
        struct Result: Decodable { var report: String? }
        struct Report: Decodable { var attempt: String }
        var texts: [String] = []
        for key in try await keys("/report.json") { texts.append(try await text(key)) }
        for key in try await keys("/result.json") {
            let bytes = Data(try await text(key).utf8)
            if let report = try JSONDecoder().decode(Result.self, from: bytes).report {
                texts.append(report)
            }
        }
        var reports: [String: String] = [:]
        for text in texts {
            let report = try JSONDecoder().decode(Report.self, from: Data(text.utf8))
            reports[report.attempt] = text
        }
        return reports
    }

    /// Where try `number` has the job's directory on this machine, once it is there.
    func volume(
        of job: GalaxyJob,
        try number: Int = 1
    ) -> String? {
        let pattern = "\(folder)/state/tries/\(job.id)-*-\(number)/volume/r*/tool_script.sh"
        let path = try? Shell.run("ls -d \(pattern) 2> /dev/null || true")
        return path?.split(separator: "\n").first
            .map { String($0.dropLast("/tool_script.sh".count)) }
    }

    /// The pids of this test's processes whose command line contains `part`.
    func processes(_ part: String) throws -> [pid_t] {
        try Shell.run(
            """
            for entry in /proc/[0-9]*; do
                [ "$entry" != /proc/$$ ] || continue
                line=$(tr '\\0' ' ' < "$entry/cmdline" 2> /dev/null) || continue
                if [[ $line = *'\(prefix)'* || $line = *'\(folder)/'* ]] \
                    && [[ $line = *'\(part)'* ]]; then echo "${entry#/proc/}"; fi
            done
            """
        )
        .split(separator: "\n").compactMap { pid_t($0) }
    }

    /// The worker inside the executor's sandbox, once it is there: bubblewrap's child.
    func worker(verb: String = "") async throws -> pid_t {
        var found: pid_t = 0
        let program = "/galaxy-s3/galaxy-worker-exec"
        try await Patience.long.wait("the worker in its sandbox") {
            for outer in try processes("\(program) \(verb)") {
                let line = Shell.text("/proc/\(outer)/cmdline")
                guard line.hasPrefix("/usr/bin/bwrap"), line.contains("/state/tries/") else {
                    continue
                }
                let child = try Self.child(of: outer)
                // Before bubblewrap has made the sandbox, its child is bubblewrap itself.
                if let child, Shell.text("/proc/\(child)/cmdline").hasPrefix(program) {
                    found = child
                }
            }
            return found != 0
        }
        return found
    }

    private static func child(of pid: pid_t) throws -> pid_t? {
        let script = "grep -l '^PPid:\t\(pid)$' /proc/[0-9]*/status 2> /dev/null || true"
        let path = try Shell.run(script).split(separator: "\n").first
        return path?.split(separator: "/").dropLast().last.flatMap { pid_t($0) }
    }

    /// Invariant 8: no secret in anything that a run has left on this machine, wherever its test keeps jobs.
    func expectNoSecretOnDisk() throws {
        let secret = server.credentials.secretKey.reveal()
        let places = ["streams", "state", "galaxy", "job-*"].map { "\(folder)/\($0)" }
        let found = try Shell.run(
            "grep -rlasF -e '\(secret)' \(places.joined(separator: " ")) || true"
        )
        #expect(found.isEmpty, "a secret stands in \(found)")
    }

    private func tearDown() {
        for pid in (try? processes("")) ?? [] { kill(pid, SIGKILL) }
        _ = try? Shell.run("chmod -R u+rwX \(folder) || true; rm -rf \(folder)")
    }
}
