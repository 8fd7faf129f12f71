// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import FoundationEssentials
import Glibc
import Names
import Staging

/// Where one local try lives: its volume, its log, and the lock that says whether it runs.
///
/// ```
/// <state>/tries/<run>-<n>/pod.json     what the supervisor runs; no secret
///                         lock         held as long as the supervisor lives
///                         log          what the worker writes: frames and words
///                         exit.json    how it ended; there once it has
///                         volume/      roots r0, r1, …, then state, where the worker's verbs hand
///                                      over, and tmp, which is /tmp
/// ```
struct TryFolder: Sendable {
    let path: FilePath
    let directory: Directory

    /// How the worker ended.
    struct Exit: Codable, Sendable {
        /// As a shell says it: the exit status, or 128 + the signal.
        var status: Int
    }

    static func path(
        of id: TryID,
        in state: FilePath
    ) throws(HeadError) -> FilePath {
        do throws(NameError) {
            return try state.appending("tries").appending(id.description)
        } catch {
            throw HeadError(.machine, what: error.what)
        }
    }

    /// Opens the folder of a try that was submitted; nil if there is none.
    static func existing(
        _ id: TryID,
        in state: FilePath
    ) throws(HeadError) -> TryFolder? {
        let path = try path(of: id, in: state)
        guard FileStatus(following: path)?.kind == .directory else { return nil }
        return try TryFolder(path)
    }

    init(_ path: FilePath) throws(HeadError) {
        self.path = path
        do throws(StagingError) {
            directory = try Directory(path: path)
        } catch {
            throw HeadError(error, doing: "Cannot open the folder of a try")
        }
    }

    /// Makes the folder with a place for every root.
    ///
    /// - Parameter owner: who the worker and the tool are: the volume is theirs, and the way to it.
    static func make(
        _ id: TryID,
        roots: Int,
        owner: LocalUser,
        in state: FilePath
    ) throws(HeadError) -> TryFolder {
        let path = try path(of: id, in: state)
        let parts =
            ["volume", "volume/tmp", "volume/state", "volume/state/tool"]
            + (0..<roots).map { "volume/r\($0)" }
        do throws(StagingError) {
            let top = try Directory(path: .root)
            for part in parts {
                let place = try naming { () throws(NameError) in
                    try path.appending(RelativePath(part))
                }
                guard let relative = place.relative(to: .root) else { continue }
                try top.makeDirectories(relative)
            }
        } catch {
            throw HeadError(error, doing: "Cannot make the folder of a try")
        }
        let folder = try TryFolder(path)
        func check(_ result: Int32) throws(HeadError) {
            guard result != 0 else { return }
            throw HeadError(
                StagingError.system("protect", path.logSafe),
                doing: "Cannot begin a try"
            )
        }
        if owner.isOther {
            for part in parts {
                try check(chown(try folder.place(part).text, owner.user, owner.group))
            }
            try check(chown(path.text, geteuid(), owner.group))
            // Whatever this process's umask has made of it.
            if let tries = path.parent { try check(chmod(tries.text, 0o711)) }
        }
        try check(chmod(try folder.place("volume/tmp").text, 0o700))
        // The group may go through to the volume, and read nothing on the way.
        try check(chmod(path.text, owner.isOther ? 0o710 : 0o700))
        return folder
    }

    /// The path of something in the folder.
    func place(_ name: String) throws(HeadError) -> FilePath {
        do throws(NameError) {
            return try path.appending(RelativePath(name))
        } catch {
            throw HeadError(.machine, what: error.what)
        }
    }

    func write(
        _ value: some Encodable,
        as name: String
    ) throws(HeadError) {
        do throws(StagingError) {
            let bytes = try documents { () throws(ContractError) in
                try ContractCoding.encode(value)
            }
            let relative = try naming { () throws(NameError) in try RelativePath(name) }
            try directory.replace(relative, with: bytes, mode: FileMode(0o600))
        } catch {
            throw HeadError(error, doing: "Cannot write the folder of a try")
        }
    }

    func read<Value: Decodable>(
        _ type: Value.Type,
        from name: String
    ) throws(HeadError) -> Value? {
        do throws(StagingError) {
            let relative = try naming { () throws(NameError) in try RelativePath(name) }
            guard try directory.status(relative) != nil else { return nil }
            let bytes = try directory.open(relative, O_RDONLY | O_NOFOLLOW)
                .readAll(limit: 1 << 20, name: path)
            do {
                return try JSONDecoder().decode(type, from: Data(bytes))
            } catch {
                throw StagingError(.io, what: "\(path)/\(name): \(JSONProblem.text(for: error))")
            }
        } catch {
            throw HeadError(error, doing: "Cannot read the folder of a try")
        }
    }

    /// Opens a file of the folder.
    func open(
        _ name: String,
        _ flags: Int32,
        mode: UInt32 = 0o600
    ) throws(HeadError) -> Descriptor {
        do throws(StagingError) {
            let relative = try naming { () throws(NameError) in try RelativePath(name) }
            return try directory.open(relative, flags, mode: FileMode(mode))
        } catch {
            throw HeadError(error, doing: "Cannot open a file of a try")
        }
    }

    /// Whether a supervisor holds the lock: the kernel lets go of it however it ends.
    func isRunning() throws(HeadError) -> Bool {
        // Never made here: another head may be removing the folder.
        guard let lock = try openIfPresent("lock") else { return false }
        guard flock(lock.raw, LOCK_SH | LOCK_NB) == 0 else { return true }
        flock(lock.raw, LOCK_UN)
        return false
    }

    /// Takes the lock, and holds it as long as the value lives; nil if another supervisor has it.
    ///
    /// Somebody who asks whether the try runs holds it for a moment, so one refusal is none.
    func takeLock() throws(HeadError) -> Descriptor? {
        let lock = try open("lock", O_RDWR | O_CREAT)
        for _ in 0..<100 {
            if flock(lock.raw, LOCK_EX | LOCK_NB) == 0 { return lock }
            usleep(5_000)
        }
        return nil
    }

    private func openIfPresent(_ name: String) throws(HeadError) -> Descriptor? {
        do throws(StagingError) {
            return try directory.open(
                try naming { () throws(NameError) in try RelativePath(name) },
                O_RDWR
            )
        } catch {
            guard error.code != .missing else { return nil }
            throw HeadError(error, doing: "Cannot open a file of a try")
        }
    }

    /// Tells the worker's `push` that the tool's container is gone.
    func noteToolEnded() throws(HeadError) {
        _ = try open("volume/state/tool.ended", O_WRONLY | O_CREAT | O_NOFOLLOW, mode: 0o644)
    }

    /// Whether a supervisor has ever begun here, whatever became of it: what it left in the volume
    /// would be taken for another one's results.
    func hasBegun() throws(HeadError) -> Bool {
        try read(Int32.self, from: "pid.json") != nil
    }
}

extension FilePath {
    /// As system calls that take Swift's text want it; for paths that the head itself has made.
    var text: String { String(decoding: bytes, as: UTF8.self) }
}
