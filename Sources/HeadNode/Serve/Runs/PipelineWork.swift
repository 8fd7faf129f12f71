// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client
import Staging

/// Carries runs through the one pipeline, a limited number of them at a time where files move.
struct PipelineWork: RunWork {
    let session: Session
    let destinations: DestinationSettings
    let server: ServerName
    /// Bounds how many jobs' files move at once.
    let turns: Turnstile
    /// Bounds how many runs hold files open.
    let flights: Turnstile
    /// Bounds how many jobs' outputs are read when Galaxy has finished with them.
    let settling = Turnstile(limit: 2)
    /// Says why nothing moves, for all runs together: it is one bucket.
    let watch = StoreWatch()
    /// Learns from jobs where Galaxy's files are.
    private let signer: DiskSigner

    /// How long whoever finds the store away keeps its turn.
    static let pauseWithoutStore = Duration.seconds(4)

    init(
        session: Session,
        destinations: DestinationSettings,
        server: ServerName,
        turns: Turnstile,
        flights: Turnstile,
        signer: DiskSigner
    ) {
        self.session = session
        self.destinations = destinations
        self.server = server
        self.turns = turns
        self.flights = flights
        self.signer = signer
    }

    // MARK: Open

    func open(_ submission: Submission) async throws(Refusal) -> OpenedRun {
        let settings: RunSettings
        do throws(ConfigError) {
            settings = try destinations.find(submission.destination)
        } catch {
            throw patient(Refusal(error), submission)
        }
        do throws(HeadError) {
            return try await inShortTask { () async throws(HeadError) in
                try await open(submission, settings)
            }
        } catch {
            throw patient(Refusal(error), submission)
        }
    }

    /// A refusal that may pass, where the run has begun and may still go on: hours of compute may hang
    /// on it, and a job that fails here would leave it behind, with nobody to end it. Whatever is wrong,
    /// a person can put it right.
    private func patient(_ refusal: Refusal, _ submission: Submission) -> Refusal {
        // A description that cannot be read now is most often where the plugin puts it.
        let described = try? DescriptionFile.read(submission.job.bytes).0.jobDirectory
        guard let wanted = submission.run,
            let directory = described ?? submission.job.parent?.parent,
            let noted = try? RunNotes.state(in: directory), noted.run == wanted,
            noted.ending == nil, !noted.tries.isEmpty
        else { return refusal }
        var refusal = refusal
        refusal.isRetryable = true
        return refusal
    }

    private func open(
        _ submission: Submission,
        _ settings: RunSettings
    ) async throws(HeadError) -> OpenedRun {
        let (description, digest) = try DescriptionFile.read(submission.job.bytes)
        do throws(StagingError) {
            try description.validate()
        } catch {
            throw HeadError(error, doing: "Cannot run job \(description.galaxyID.logSafe)")
        }
        guard let galaxyID = GalaxyJobID(description.galaxyID),
            submission.run?.job ?? galaxyID == galaxyID
        else {
            throw HeadError(.description, what: "The run is not one of job \(description.galaxyID)")
        }
        let folder = try RunFolder(jobDirectory: description.jobDirectory)
        signer.saw(jobDirectory: description.jobDirectory)
        let place = session.place(settings.settings)
        let opening = try RunOpening(
            noted: try folder.state(),
            wanted: submission.run,
            descriptionSHA256: digest,
            place: place
        )
        func opened(_ state: RunState, isResumed: Bool) -> OpenedRun {
            OpenedRun(
                job: submission.job,
                run: state.run,
                descriptionSHA256: digest,
                settings: settings,
                destination: submission.destination?.name,
                demand: RunDemand(description, settings.settings),
                isResumed: isResumed,
                ending: state.ending
            )
        }
        switch opening {
        case .takeUp(let state): return opened(state, isResumed: true)
        case .supersede(let state):
            try state.check(place)
            let words = "Galaxy has begun the job anew."
            let outcome = await endStep(state.run, settings.settings)(state, .cancelled, words) {
                () throws(HeadError) in folder
            }
            _ = try outcome.fence.get()
            if let trouble = outcome.trouble { throw trouble }
        case .begin: break
        }
        try description.check(settings.settings.outputs.mode)
        let state = RunState(
            run: submission.run ?? RunID(drawnFor: galaxyID),
            descriptionSHA256: digest,
            place: place
        )
        try folder.note(state)
        return opened(state, isResumed: false)
    }

    func find(_ job: FilePath) async throws(Refusal) -> OpenedRun {
        do throws(HeadError) {
            let (description, digest) = try DescriptionFile.read(job.bytes)
            let state = try RunNotes(description).state
            let settings = RunSettings(session.settings)
            return OpenedRun(
                job: job,
                run: state.run,
                descriptionSHA256: digest,
                settings: settings,
                destination: nil,
                demand: RunDemand(),
                isResumed: true,
                ending: state.ending
            )
        } catch {
            throw Refusal(error)
        }
    }
}

extension RunID {
    /// Whose run this is.
    fileprivate var job: GalaxyJobID? {
        let bytes = Array(description.utf8)
        let cut = bytes.lastIndex(of: UInt8(ascii: "-")) ?? bytes.endIndex
        return GalaxyJobID(String(decoding: bytes[..<cut], as: UTF8.self))
    }
}
