// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import TestSupport

/// Workers that a test starts itself, exactly as the executor has started those of try 1, but with
/// a volume of their own: a node that came back from the dead.
struct HandMadeTry {
    private struct Pod: Decodable {
        struct Container: Decodable {
            var name: String
            var command: [String]
        }

        var initContainers: [Container]
        var containers: [Container]
    }

    private static let serial = Counter()

    private let lab: Lab
    private let number: Int
    private let commands: [String: [String]]

    var folder: String { "\(lab.folder)/hand-\(number)" }

    /// Waits until the head has submitted try 1.
    ///
    /// - Parameter volumeSize: makes the volume a small file system, as mount(8) takes it.
    init(
        _ lab: Lab,
        _ job: GalaxyJob,
        number: Int = 1,
        volumeSize: String? = nil
    ) async throws {
        self.lab = lab
        self.number = number
        var original = ""
        try await Patience.long.wait("a try") {
            original =
                try Shell.run("ls -d \(lab.folder)/state/tries/\(job.id)-*-1 2>&1 || true")
                .split(separator: "\n").first.map(String.init) ?? ""
            return Shell.text(original + "/pid.json") != ""
        }
        let pod = try JSONDecoder()
            .decode(Pod.self, from: Data(Shell.text(original + "/pod.json").utf8))
        let own = "\(lab.folder)/hand-\(number)"
        var commands: [String: [String]] = [:]
        for container in pod.initContainers + pod.containers {
            commands[container.name] = container.command.map { word in
                word.hasPrefix(original) ? own + word.dropFirst(original.count) : word
            }
        }
        self.commands = commands
        try Shell.run("mkdir -p \(own)/volume")
        if let volumeSize {
            try Shell.run("mount -t tmpfs -o size=\(volumeSize) none \(own)/volume")
        }
        try Shell.run(
            "cd \(original)/volume; for r in state/tool tmp r*; do mkdir -p \(own)/volume/$r; done"
        )
    }

    /// Lets go of a volume that was given a size.
    func unmount() { _ = try? Shell.run("umount -l \(folder)/volume || true") }

    /// Starts a verb of the worker in a sandbox.
    ///
    /// - Parameter wrapper: what runs the worker, in the sandbox.
    func start(
        _ verb: String = "run",
        hasCredentials: Bool = true,
        environment changes: [String: String] = [:],
        through wrapper: [String] = []
    ) throws -> RunningProgram {
        var environment = lab.environment.merging(changes) { $1 }
        if !hasCredentials { environment = environment.filter { !$0.key.hasPrefix("AWS_") } }
        var words = commands[verb] ?? ["/no/such/verb"]
        // As a command, not as what is shown in the sandbox.
        if let worker = words.lastIndex(where: { $0.hasSuffix("/galaxy-worker-exec") }) {
            words.insert(contentsOf: wrapper, at: worker)
        }
        return try RunningProgram(
            words,
            environment: environment,
            streams: "\(lab.folder)/streams/hand-\(number)-\(verb)-\(Self.serial.next())"
        )
    }

    /// Where this try has the job's directory on this machine, once it is there.
    var volume: String? {
        let found = try? Shell.run("ls -d \(folder)/volume/r*/tool_script.sh 2> /dev/null || true")
        return found?.split(separator: "\n").first
            .map { String($0.dropLast("/tool_script.sh".count)) }
    }
}

extension GalaxyJob {
    /// A tool that says that it runs, waits until it is let go, and says who it was.
    static func gated(
        _ lab: Lab,
        rest: String = ""
    ) throws -> GalaxyJob {
        let tool = """
            echo waiting; touch "$TMPDIR/runs"
            while [ ! -e "$TMPDIR/go" ]; do sleep 0.05; done
            cat "$TMPDIR/go" > "$OUT"; cp "$IN1" copy
            \(rest)
            """
        return try GalaxyJob(folder: lab.folder, tool: tool)
    }

    /// Waits until the tool in `volume` runs.
    static func waitForTool(_ volume: () -> String?) async throws -> String {
        var found = ""
        try await Patience.long.wait("the tool to run") {
            found = volume() ?? ""
            return found != "" && (try? ChildProcess.contents(of: "\(found)/tmp/runs")) != nil
        }
        return found
    }

    /// Lets the tool in `volume` go on, with a word that ends up in its output.
    static func release(
        _ volume: String,
        _ word: String
    ) throws {
        try Shell.run(
            "echo \(word) > \(volume)/tmp/go.new; mv \(volume)/tmp/go.new \(volume)/tmp/go"
        )
    }
}
