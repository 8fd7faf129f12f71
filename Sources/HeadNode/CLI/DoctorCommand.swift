// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Diagnostics
import S3Client
import Staging
import Synchronization

/// Tries out everything that jobs need.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract:
            "Try out everything that jobs need: configuration, bucket, and this machine or the cluster.",
        discussion: """
            One line each: ok, warn or FAIL, what was found, and what to do. What is stored for it \
            goes to PREFIX/doctor/NONCE/ in the bucket and is removed again.

            Exit status: 0 nothing failed, 1 something did, 78 the configuration cannot be used.
            """
    )

    /// Long enough for a hiccup; nobody waits minutes to hear that an address is wrong.
    private static let policy = RetryPolicy(
        attempts: 3,
        time: .seconds(20),
        whenBudgetIsEmpty: .fail
    )

    @OptionGroup var config: ConfigOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let settings: Settings
        do throws(ConfigError) { settings = try config.settings() } catch {
            for problem in error.problems {
                Self.show(
                    .fail("configuration", "\(problem.place): \(problem.what)", problem.remedy),
                    json: output.json
                )
            }
            throw ExitCode(ConfigError.exitStatus)
        }
        let json = output.json
        let hasFailed = Mutex(false)
        let report: StoreExamination.Report = { finding in
            if finding.verdict == .fail { hasFailed.withLock { $0 = true } }
            Self.show(finding, json: json)
        }
        let bucket = "s3://\(settings.storage.bucket.logSafe)/\(settings.prefix)"
        report(.ok("configuration", "\(bucket) at \(settings.storage.endpoint ?? "AWS")"))
        try await conclude(json: json) {
            try await Interruption.guarding { () async throws(HeadError) in
                await Self.examine(settings, report)
            }
        }
        if hasFailed.withLock({ $0 }) { throw ExitCode(1) }
    }

    private static func examine(
        _ settings: Settings,
        _ report: StoreExamination.Report
    ) async {
        let storage = StorageSettings(
            location: settings.storage,
            prefix: settings.prefix,
            profile: settings.profile
        )
        do throws(S3Error) {
            let factory = try storage.factory()
            if case .found(let found) = try await factory.credentials.find() {
                report(
                    CredentialsExamination(
                        found: found,
                        isHandedOver: settings.executor == .local,
                        now: Timestamp(seconds: Clock.fileTime().seconds)
                    )
                    .run()
                )
            }
            let store = factory.store(policy: policy)
            let layout = JobLayout(prefix: settings.prefix, instance: settings.instance)
            await StoreExamination(
                store: store,
                layout: layout,
                sendsChecksums: settings.storage.checksums == "when_supported",
                now: { Clock.fileTime().seconds }
            )
            .run(report)
            if let mount = settings.outputs.mount {
                let look = MountLook(mount, store: store, layout: layout)
                report(await MountExamination(look: look).run())
            }
        } catch {
            report(.fail("credentials", error))
        }
        switch settings.executor {
        case .local:
            report(ProgramExamination(configured: settings.local.worker).run())
            report(await BubblewrapExamination(settings: settings.local).run())
            report(StateExamination(directory: settings.local.stateDirectory).run())
        case .kubernetes:
            await ClusterExamination(settings: settings.kubernetes).run(report)
        }
    }

    private static func show(_ finding: DoctorFinding, json: Bool) {
        Console.out(json ? finding.json : finding.line)
    }
}
