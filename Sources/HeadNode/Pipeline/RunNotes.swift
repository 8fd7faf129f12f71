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
