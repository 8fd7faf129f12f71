// SPDX-License-Identifier: Apache-2.0

import CLinux
import Contract
import Diagnostics
import Glibc
import Names
import Staging

/// Runs tries on this machine, each in namespaces of its own, under a supervisor that outlives the
/// head: the embedded default, for trying it out and for tests.
struct LocalExecutor: Executor {
    let settings: LocalSettings
    let bubblewrap: FilePath
    let worker: FilePath
    /// This program, which is the supervisor too.
    let program: FilePath
    /// What the worker finds in its environment: credentials, and little else.
    let environment: [ByteString]

    private static let round = Duration.milliseconds(50)

    func name(of id: TryID) -> String? { nil }

    func submit(
        _ order: TryOrder,
        isDecided: @escaping ResultQuestion,
        news: @escaping @Sendable (TryNews) -> Void
    ) async throws(HeadError) -> Bool {
        let existing = try TryFolder.existing(order.id, in: settings.stateDirectory)
        if let existing, try existing.hasBegun() { return true }
        let folder = try TryFolder.make(
            order.id,
            roots: order.spec.roots.count,
            owner: .own,
            in: settings.stateDirectory
        )
        try checkReach(of: folder)
        let worker = try workerWithinReach(folder)
        try folder.write(try pod(order, in: folder, worker), as: "pod.json")
        try start(in: folder)
        return true
    }

    func follow(
        _ id: TryID,
        isDecided: @escaping ResultQuestion,
        news: @escaping @Sendable (TryNews) -> Void
    ) async throws(HeadError) -> TryEnd {
        guard let folder = try TryFolder.existing(id, in: settings.stateDirectory) else {
            return .gone("its folder is not there")
        }
        var log = FrameLog(file: try folder.open("log", O_RDONLY | O_CREAT))
        news(.running("this machine"))
        while true {
            // Asked before the log is read: what was written before the end is not missed.
            let isRunning = try folder.isRunning()
            for frame in log.next() { news(.frame(frame)) }
            if let exit = try folder.read(TryFolder.Exit.self, from: "exit.json") {
                return ending(id, exit.status)
            }
            if !isRunning { return .gone("its supervisor was killed") }
            guard (try? await Task.sleep(for: Self.round)) != nil else {
                throw HeadError(.interrupted, what: "Run \(id.run) goes on without being watched")
            }
        }
    }

    private func ending(
        _ id: TryID,
        _ status: Int
    ) -> TryEnd {
        // No worker ends with 1, and bubblewrap does when it cannot do what it is told.
        if status == 1, lastWords(id).utf8.starts(with: "bwrap: ".utf8) {
            return .impossible("bubblewrap cannot make a sandbox on this machine")
        }
        return status < 128 || status == 255
            ? .exited(Int32(status))
            : .killed("signal \(status - 128)")
    }

    func lastWords(_ id: TryID) -> String {
        guard let folder = (try? TryFolder.existing(id, in: settings.stateDirectory)) ?? nil,
            let file = try? folder.open("log", O_RDONLY)
        else { return "" }
        return FrameLog(file: file).lastWords()
    }

    /// It is this machine's own processes that end: that takes moments, and is always waited for.
    func stop(
        _ id: TryID,
        patience: Int
    ) async throws(HeadError) -> Bool {
        guard let folder = try TryFolder.existing(id, in: settings.stateDirectory) else {
            return true
        }
        do throws(HeadError) {
            try await end(id, in: folder)
        } catch {
            // The head that follows the run may have removed the folder meanwhile.
            guard try TryFolder.existing(id, in: settings.stateDirectory) == nil else {
                throw error
            }
        }
        return true
    }

    private func end(
        _ id: TryID,
        in folder: TryFolder
    ) async throws(HeadError) {
        for _ in 0..<200 {
            guard try folder.isRunning() else { return }
            if let pid = try folder.read(Int32.self, from: "pid.json") { kill(pid, SIGTERM) }
            guard (try? await Task.sleep(for: Self.round)) != nil else { return }
        }
        throw HeadError(
            .executor,
            what: "The try \(id) does not end",
            place: folder.path.logSafe,
            remedy: "End its supervisor by hand; nothing that it stores counts any more."
        )
    }

    /// What is left of a local try is on this machine, and its streams are in the job directory.
    func rescue(
        _ id: TryID,
        into folder: RunFolder
    ) async throws(HeadError) {}

    func remove(
        _ id: TryID,
        isSuccess: Bool
    ) async throws(HeadError) {
        _ = try await stop(id, patience: 0)
        guard let folder = try TryFolder.existing(id, in: settings.stateDirectory) else { return }
        for attempt in 1...Self.mostRemovals {
            do throws(StagingError) { return try TreeRemoval.remove(folder.path) } catch {
                guard attempt < Self.mostRemovals else {
                    throw HeadError(error, doing: "Cannot remove the folder of a try")
                }
            }
            try? await Task.sleep(for: .milliseconds(50 * attempt))
        }
    }

    /// What was told to end may write there for a moment still: some two seconds in all.
    private static let mostRemovals = 10

    /// The containers of a try: one that does it all, or three, of which the tool's has no
    /// credential and, if so configured, no network.
    private func pod(
        _ order: TryOrder,
        in folder: TryFolder,
        _ worker: FilePath
    ) throws(HeadError) -> LocalPod {
        let canDisableUserNamespaces = try canDisableUserNamespaces(folder)
        let invocation = try WorkerInvocation(
            order,
            program: try Self.inside("galaxy-worker-exec"),
            state: try Self.inside("state"),
            pod: "local-\(order.id.number)",
            cache: try LocalCache(settings)
                .map { (cache) throws(HeadError) in (try Self.inside("cache"), cache.bytes) }
        )
        func container(
            _ verb: WorkerInvocation.Verb,
            hasNetwork: Bool
        ) throws(HeadError) -> LocalPod.Container {
            let plan = BubblewrapPlan(
                bubblewrap: bubblewrap,
                mounts: try mounts(order, in: folder, worker, for: verb),
                sharesNetwork: hasNetwork,
                user: LocalUser.own.user,
                group: LocalUser.own.group,
                canDisableUserNamespaces: canDisableUserNamespaces,
                command: invocation.command(verb)
            )
            return LocalPod.Container(
                name: verb.rawValue,
                command: plan.arguments,
                hasCredentials: verb != .tool
            )
        }
        let user = LocalUser.own.ifOther
        switch settings.effectiveShape {
        case .single:
            return LocalPod(
                user: user,
                initContainers: [],
                containers: [try container(.run, hasNetwork: true)]
            )
        case .split:
            let tool = try container(.tool, hasNetwork: settings.network == .host)
            return LocalPod(
                user: user,
                initContainers: [try container(.fetch, hasNetwork: true)],
                containers: [tool, try container(.push, hasNetwork: true)]
            )
        }
    }

    /// In this order, for one may lie below another.
    private func mounts(
        _ order: TryOrder,
        in folder: TryFolder,
        _ worker: FilePath,
        for verb: WorkerInvocation.Verb
    ) throws(HeadError) -> [BubblewrapPlan.Mount] {
        var mounts: [BubblewrapPlan.Mount]
        do throws(StagingError) {
            mounts = try RootFileSystemPlan.mounts(for: settings.root)
        } catch {
            throw HeadError(error, doing: "Cannot give a tool its root file system")
        }
        mounts.append(.readOnly(worker, at: try Self.inside("galaxy-worker-exec")))
        // What the tool writes to /tmp is to fill a disk, not this machine's memory.
        mounts.append(.writable(try folder.place("volume/tmp"), at: try Self.path("/tmp")))
        if verb == .fetch, let cache = LocalCache(settings), cache.prepare(for: .own) {
            mounts.append(.writableIfPresent(cache.path, at: try Self.inside("cache")))
        }
        let state = try folder.place("volume/state")
        if verb == .tool {
            // What `fetch` has said, and the lock, are not the tool's to change.
            mounts.append(.readOnly(state, at: try Self.inside("state")))
            let own = try folder.place("volume/state/tool")
            mounts.append(.writable(own, at: try Self.inside("state/tool")))
        } else {
            mounts.append(.writable(state, at: try Self.inside("state")))
        }
        for (index, root) in order.spec.roots.enumerated() {
            mounts.append(.writable(try folder.place("volume/r\(index)"), at: root))
        }
        return mounts
    }

    /// Everything that bubblewrap shows must be within reach of whom it runs as.
    private func checkReach(of folder: TryFolder) throws(HeadError) {
        let user = LocalUser.own
        guard user.isOther else { return }
        let volume = try folder.place("volume/state")
        for path in [volume, bubblewrap] {
            guard let obstacle = user.obstacle(to: path) else { continue }
            throw HeadError(
                .executor,
                what: "Tools of root's run as user \(user.user), who cannot go through \(obstacle)",
                place: path.logSafe,
                remedy: path == volume
                    ? "Let everybody go through it (chmod o+x), or set local.state_directory to a place"
                        + " like /var/lib/galaxy-s3-executor."
                    : "Put it where every user can read it, or run Galaxy as a user of its own."
            )
        }
    }

    /// The worker where whoever bubblewrap runs as can read it: where it is, or a copy in the folder.
    private func workerWithinReach(_ folder: TryFolder) throws(HeadError) -> FilePath {
        let user = LocalUser.own
        guard user.isOther, user.obstacle(to: worker) != nil else { return worker }
        let copy = try folder.place("worker")
        do throws(StagingError) {
            let name = try naming { () throws(NameError) in try RelativePath("worker") }
            try folder.directory.install(program: worker, as: name)
        } catch {
            throw HeadError(error, doing: "Cannot give a try its worker")
        }
        return copy
    }

    /// Whether this bubblewrap knows the option, which it has had since 0.8, and may use it here,
    /// which a container's read-only /proc/sys does not allow: it runs itself with it.
    private func canDisableUserNamespaces(_ folder: TryFolder) throws(HeadError) -> Bool {
        let answer = try folder.open("bubblewrap", O_WRONLY | O_CREAT | O_TRUNC)
        let words = ["--unshare-user", "--disable-userns", "--ro-bind", "/", "/", "--"]
        let launch = ProcessLaunch(
            command: [ByteString(bubblewrap.bytes)] + words.map { ByteString($0) }
                + [ByteString(bubblewrap.bytes), ByteString("--version")],
            workingDirectory: .root,
            environment: [],
            stdout: answer,
            stderr: answer,
            user: LocalUser.own.ifOther
        )
        do throws(StagingError) {
            let pid = try launch.start()
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            return status == 0
        } catch {
            throw HeadError(error, doing: "Cannot start bubblewrap")
        }
    }

    private static func inside(_ name: String) throws(HeadError) -> FilePath {
        try path(String(decoding: BubblewrapPlan.ownFolder, as: UTF8.self) + "/" + name)
    }

    private static func path(_ text: String) throws(HeadError) -> FilePath {
        do throws(NameError) {
            return try FilePath(text)
        } catch {
            throw HeadError(.machine, what: error.what)
        }
    }

    /// Starts the supervisor, in a process group of its own: it goes on when this head ends.
    private func start(in folder: TryFolder) throws(HeadError) {
        let log = try folder.open("log", O_WRONLY | O_CREAT | O_APPEND)
        let command = [
            ByteString(program.bytes), ByteString("local-supervisor"),
            ByteString(folder.path.bytes),
        ]
        let launch = ProcessLaunch(
            command: command,
            workingDirectory: .root,
            environment: environment,
            stdout: log,
            stderr: log
        )
        do throws(StagingError) {
            let pid = try launch.start()
            Children.reapLater(pid)
        } catch {
            throw HeadError(error, doing: "Cannot start the supervisor of a try")
        }
        // The lock is taken by the supervisor; until then the try would look as if it were gone.
        for _ in 0..<2000 {
            if try folder.hasBegun() { return }
            usleep(5_000)
        }
        throw HeadError(
            .executor,
            what: "The supervisor of a try did not begin",
            place: folder.path.logSafe,
            remedy: "Read the file log there."
        )
    }
}
