// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Diagnostics
import Glibc
import S3Client
import Staging

/// One job, all the way.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run one job: stage its files, run its tool, bring its results back.",
        discussion: """
            If a run of this job goes on already, or was cut off, it is taken up where it is: \
            what is in the bucket is not staged again, and no tool is run twice. Ctrl-C stops \
            watching; the run itself goes on, and `run` again or `cancel` takes it from there. When \
            the last run of the job has ended, `run` begins a new one, and the tool runs again.

            Exit status: 0 the tool ended with exit code 0, 1 it did not or the run failed, 64 wrong \
            usage, 65 the job description is wrong, 66 an input is missing or unusable, 69 the \
            bucket did not do its part, 71 this machine did not, 75 another head has the job, or a \
            run of it goes on that was begun with another description or configuration, 77 access \
            denied or no credentials, 78 the configuration or the store's certificate is wrong, \
            130 interrupted.
            """
    )

    @OptionGroup var job: JobOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await conclude(json: output.json) {
            let (description, digest) = try job.description()
            let settings = try job.config.settings()
            let display = RunDisplay(json: output.json)
            let watch = StoreWatch()
            let ending = try await follow(description) { () async throws(HeadError) in
                let session = try await Session(settings) { event in
                    let word = watch.word(on: event, now: Clock.monotonicSeconds())
                    if let word { display.show(.note(word)) }
                }
                let executor = try session.executor(for: JobSubject(description))
                let pipeline = JobPipeline(
                    description: description,
                    descriptionSHA256: digest,
                    settings: settings,
                    place: session.place(),
                    store: session.store,
                    executor: executor,
                    folder: try RunFolder(jobDirectory: description.jobDirectory),
                    observe: { display.show($0) }
                )
                return try await session.serving { () async throws(HeadError) in
                    try await pipeline.run()
                }
            }
            if ending.state == .ok { return }
            if !output.json { Self.explain(description) }
            throw ExitCode(1)
        }
    }

    /// Watches the run until its end, or until somebody has seen enough.
    private func follow(
        _ description: JobDescription,
        _ work: @escaping @Sendable () async throws(HeadError) -> RunEnding
    ) async throws(HeadError) -> RunEnding {
        do throws(HeadError) {
            return try await Interruption.guarding(work)
        } catch {
            guard error.code == .interrupted, let state = try? RunNotes(description).state,
                state.ending == nil
            else { throw error }
            let isUnderWay = state.openTry != nil
            throw HeadError(
                .interrupted,
                what: "Interrupted",
                remedy:
                    "Run \(state.run) \(isUnderWay ? "goes on" : "rests"); `galaxy-head-node run "
                    + "--job \(job.job.logSafe)` \(isUnderWay ? "follows" : "takes") it"
                    + "\(isUnderWay ? "" : " up"), `cancel` ends it."
            )
        }
    }

    private static func explain(_ description: JobDescription) {
        let lines = LogTail.errorLines(of: description)
        guard !lines.isEmpty else { return }
        Console.err("The tool's last words, from \(description.stderr):")
        for line in lines { Console.err("  " + line) }
    }
}

/// Does the work of a verb; what goes wrong is one line, or one JSON object, and an exit status.
func conclude(
    json: Bool,
    _ work: () async throws -> Void
) async throws {
    do {
        try await work()
    } catch let error as HeadError {
        Complaint(error, status: error.exitStatus).show(json: json)
        throw ExitCode(error.exitStatus)
    } catch let error as ConfigError {
        error.show(json: json)
        throw ExitCode(ConfigError.exitStatus)
    } catch let error as S3Error {
        Complaint(error, status: error.exitStatus).show(json: json)
        throw ExitCode(error.exitStatus)
    }
}
