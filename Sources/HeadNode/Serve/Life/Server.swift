// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import S3Client
import Staging
import Synchronization

/// Serves one Galaxy server over standard input and output, from `hello` to the end of either.
struct Server: Sendable {
    let sources: SettingsSources
    let settings: Settings
    /// What works, but not as whoever wrote the configuration may think.
    let warnings: [ConfigProblem]
    let log: ServeLog
    /// How long a process that serves this Galaxy server already may take to end.
    let patience: Duration

    /// How many descriptions are read at once.
    private static let doors = 16
    /// EX_PROTOCOL of sysexits.h.
    private static let protocolStatus: Int32 = 76

    /// - Returns: the exit status.
    func run() async throws(HeadError) -> Int32 {
        let input = LineReader.lines(of: STDIN_FILENO, longest: RequestCoding.longestLine)
        // A plugin that does not read any more is gone.
        let output = try LineWriter(STDOUT_FILENO, onBroken: input.stop)
        let post: @Sendable (ServeMessage) -> Void = { [log] message in
            output.write(MessageCoding.encode(message), canWait: message.canWait)
            log.write(message)
        }
        let status = try await serve(input.lines, stop: input.stop, output, post)
        await output.flush(within: .seconds(1))
        return status
    }

    private func serve(
        _ lines: AsyncStream<LineReader.Line>,
        stop: @escaping @Sendable () -> Void,
        _ output: LineWriter,
        _ post: @escaping @Sendable (ServeMessage) -> Void
    ) async throws(HeadError) -> Int32 {
        guard let (id, hello) = await ServeLoop.greeting(lines, post: post) else { return 0 }
        guard hello.refusal == nil, let name = ServerName(hello.serverName) else {
            if let refusal = hello.refusal { post(.refusal(id, refusal)) }
            return Self.protocolStatus
        }
        let lock: ServerLock
        do throws(HeadError) {
            lock = try await ServerLock.take(
                name,
                of: settings.instance,
                in: settings.local.stateDirectory,
                patience: patience
            )
        } catch {
            post(.refusal(id, Refusal(error)))
            return error.exitStatus
        }
        let cluster = ClusterMetrics()
        let session = try await Session(
            settings,
            observe: { _ in },
            observeCluster: { cluster.note($0) }
        )
        let trial = trial(session)
        let finding = await trial.ask()
        if case .unfit(let error) = finding {
            post(.refusal(id, Refusal(error)))
            return error.exitStatus
        }
        let runs = RunMetrics()
        let page = MetricsPage(
            server: name,
            runs: runs,
            store: session.store.metrics,
            cluster: cluster,
            isOutOfReach: { [cluster = session.cluster] in
                // Any name will do: the trouble is the watches'.
                cluster.map { $0.view.seen("").trouble != nil }
            }
        )
        let listener = listen(name, page)
        defer { listener?.stop() }
        log.write(.info, "Serving \(name) for plugin \(hello.plugin.logSafe).")
        post(.answer(id, .hello(facts(listener))))
        let signer = signer(session, name)
        let loop = loop(session, name, signer, runs, output, post)
        let objection = Objection()
        try await session.serving { () async throws(HeadError) in
            async let _: Void = doubt(finding, trial, objection, stop)
            async let _: Void = signer.run()
            await loop.run(lines, onEnd: Watchdog.start)
        }
        withExtendedLifetime(lock) {}
        return objection.error.withLock(\.self)?.exitStatus ?? 0
    }

    private func trial(_ session: Session) -> StoreTrial {
        StoreTrial(
            store: session.store.with(policy: StoreTrial.policy),
            key: JobLayout(prefix: settings.prefix, instance: settings.instance).serveTrial
        )
    }

    /// Goes on to ask a store that could not say whether it may be used.
    private func doubt(
        _ finding: StoreTrial.Finding,
        _ trial: StoreTrial,
        _ objection: Objection,
        _ stop: @Sendable () -> Void
    ) async {
        guard case .unknown(let why) = finding else { return }
        log.write(
            .warning,
            "Whether the store honours If-None-Match: * is not known yet: \(why) Jobs are taken all the "
                + "same; it is asked again every 30 seconds, and `galaxy-head-node doctor` says more."
        )
        guard let error = await trial.askAgain() else { return }
        log.write(.error, error.line)
        objection.error.withLock { $0 = error }
        stop()
    }

    private func signer(
        _ session: Session,
        _ name: ServerName
    ) -> DiskSigner {
        let signing = DiskSigning(
            store: session.store.part { _ in },
            layout: JobLayout(prefix: settings.prefix, instance: settings.instance),
            server: name
        )
        return DiskSigner(signing) { [log] line in log.write(.warning, line) }
    }

    private func loop(
        _ session: Session,
        _ name: ServerName,
        _ signer: DiskSigner,
        _ runs: RunMetrics,
        _ output: LineWriter,
        _ post: @escaping @Sendable (ServeMessage) -> Void
    ) -> ServeLoop {
        let files = OpenFiles.raise()
        let board = RunBoard(metrics: runs, post: post)
        let work = PipelineWork(
            session: session,
            destinations: DestinationSettings(sources, settings, warnings: warnings),
            server: name,
            turns: Turnstile(limit: settings.serve.jobs),
            flights: Turnstile(limit: OpenFiles.runs(within: files)),
            signer: signer
        )
        return ServeLoop(
            board: board,
            keeper: RunKeeper(board: board, work: work, door: Turnstile(limit: Self.doors)),
            post: post,
            isFull: { output.isFull }
        )
    }

    /// Jobs are worth more than figures: without a place to tell them they are run all the same.
    private func listen(_ name: ServerName, _ page: MetricsPage) -> MetricsListener? {
        let address = settings.serve.metrics.of(server: name.fileName)
        if address == .none { return nil }
        do throws(HeadError) {
            return try MetricsListener(address) { page.text.text }
        } catch {
            log.write(.error, error.line)
            return nil
        }
    }

    private func facts(_ listener: MetricsListener?) -> ServerFacts {
        ServerFacts(
            pid: getpid(),
            instance: settings.instance,
            executor: settings.executor.rawValue,
            metrics: listener.map { "\($0.address)" }
        )
    }
}

/// Why no more is served, if it turns out while runs go on.
private final class Objection: Sendable {
    let error = Mutex<HeadError?>(nil)
}

extension ServeMessage {
    /// Whether the message may be left out when the plugin is far behind with reading.
    fileprivate var canWait: Bool {
        switch self {
        case .event(.note), .event(.waiting), .event(.error): true
        case .event(.state), .answer, .refusal: false
        }
    }
}
