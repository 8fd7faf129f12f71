// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Names
import Staging

/// What a head has noted of a job's run, read without its lock: another head may be at work.
struct RunNotes: Sendable {
    let state: RunState
    let spec: RunSpec?

    init(_ description: JobDescription) throws(HeadError) {
        guard let state = try Self.state(in: description.jobDirectory) else {
            throw HeadError(
                .noRun,
                what: "Job \(description.galaxyID) has no run",
                place: description.jobDirectory.logSafe,
                remedy: "Start one with galaxy-head-node run."
            )
        }
        self.state = state
        let folder = try Self.folder(of: description.jobDirectory)
        let specBytes = try Self.read("spec.json", in: folder)
        do throws(ContractError) {
            spec = try specBytes.map { (bytes) throws(ContractError) in
                try ContractCoding.decode(RunSpec.self, from: bytes, name: "spec")
            }
        } catch {
            throw HeadError(.machine, what: error.what, place: folder.logSafe)
        }
    }

    /// What is noted of the last run of the job in this directory; nil for nothing.
    static func state(in jobDirectory: FilePath) throws(HeadError) -> RunState? {
        let folder = try folder(of: jobDirectory)
        guard let bytes = try read("run.json", in: folder) else { return nil }
        do throws(ContractError) {
            return try ContractCoding.decode(RunState.self, from: bytes, name: "run's notes")
        } catch {
            throw HeadError(.machine, what: error.what, place: folder.logSafe)
        }
    }

    /// What the file says that tells that a run was let go of: the run. It takes no lock, so that the next
    /// run of the job, which may have begun, does not meet one.
    private static let forgotten = "forgotten"

    /// Notes that whoever wanted the run has let go of it, if it came to results: nothing of it is brought
    /// back any more. Nothing is made where there are no notes.
    ///
    /// - Parameter run: nil for the last one.
    static func forget(_ run: RunID?, in jobDirectory: FilePath) throws(HeadError) {
        guard let state = try state(in: jobDirectory), state.run == run ?? state.run,
            state.ending?.hasResults == true
        else { return }
        let folder = try folder(of: jobDirectory)
        do throws(StagingError) {
            let name = try naming { () throws(NameError) in try RelativePath(forgotten) }
            // After a power cut it may be gone: then the run is kept too long.
            try Directory(path: folder)
                .replace(name, with: Array(state.run.description.utf8), isFlushed: false)
        } catch {
            throw HeadError(error, doing: "Cannot note that a run was let go of")
        }
    }

    /// Whether something of the run may still be wanted: it goes on, or has results that Galaxy may not have
    /// taken in.
    ///
    /// - Parameter state: what is noted in that directory.
    static func isWanted(_ state: RunState, in jobDirectory: FilePath) throws(HeadError) -> Bool {
        guard let ending = state.ending else { return true }
        guard ending.hasResults else { return false }
        let noted = try read(forgotten, in: folder(of: jobDirectory))
        return noted?.elementsEqual(state.run.description.utf8) != true
    }

    private static func folder(of jobDirectory: FilePath) throws(HeadError) -> FilePath {
        do throws(NameError) {
            return try jobDirectory.appending(HeadState.directoryName)
        } catch {
            throw HeadError(.description, what: error.what)
        }
    }

    /// Where the run's result is.
    ///
    /// - Throws: `.otherPlace` when the configuration names another place by now.
    func desk(_ session: Session) throws(HeadError) -> ResultDesk {
        try state.check(session.place())
        return ResultDesk(store: session.store, settings: session.settings, run: state.run)
    }

    private static func read(
        _ name: String,
        in folder: FilePath
    ) throws(HeadError) -> [UInt8]? {
        do throws(StagingError) {
            guard FileStatus(following: folder) != nil else { return nil }
            let directory = try Directory(path: folder)
            let relative = try naming { () throws(NameError) in try RelativePath(name) }
            guard try directory.status(relative) != nil else { return nil }
            return try directory.open(relative, O_RDONLY | O_NOFOLLOW)
                .readAll(limit: ContractCoding.largestDocument, name: folder)
        } catch {
            throw HeadError(error, doing: "Cannot read the notes of a run")
        }
    }
}
