// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Glibc
import Names
import Staging

/// What a head has noted of a job's run, read without its lock: another head may be at work.
struct RunNotes: Sendable {
    let state: RunState
    private let folder: FilePath

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
        folder = try Self.folder(of: description.jobDirectory)
    }

    /// What the worker was promised; nil before it is in the bucket.
    ///
    /// - Throws: `.machine` where what is on the disk is not what was promised.
    func spec() throws(HeadError) -> RunSpec? {
        guard let promised = state.specSHA256, let bytes = try Self.read("spec.json", in: folder)
        else { return nil }
        do throws(ContractError) {
            guard SHA256Digest(of: bytes) == promised else {
                throw ContractError(
                    .malformed,
                    what: "The run's spec has changed since it was written"
                )
            }
            return try ContractCoding.decode(RunSpec.self, from: bytes, name: "spec")
        } catch {
            throw HeadError(
                .machine,
                what: error.what,
                place: "\(folder.logSafe)/spec.json",
                remedy: "Put the spec.json of run \(state.run) in the bucket in its place."
            )
        }
    }

    /// What is noted of the last run of the job in this directory; nil for nothing.
    static func state(in jobDirectory: FilePath) throws(HeadError) -> RunState? {
        let folder = try folder(of: jobDirectory)
        guard let bytes = try read("run.json", in: folder) else { return nil }
        let place = try place(of: "run.json", in: folder)
        return try RunState(note: bytes, at: place)
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
        try place(of: HeadState.directoryName, in: jobDirectory)
    }

    private static func place(
        of name: String,
        in directory: FilePath
    ) throws(HeadError) -> FilePath {
        do throws(NameError) {
            return try directory.appending(name)
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
