// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Glibc
import Names
import Staging

/// Held by the one process that serves a Galaxy server; the kernel lets go of it however it ends.
final class ServerLock: Sendable {
    private let file: Descriptor

    private init(_ file: Descriptor) { self.file = file }

    private static let round = Duration.milliseconds(100)

    /// Takes the lock, and waits for a process that is ending.
    ///
    /// - Throws: `.busy`, naming the process, when another one still has it after `patience`.
    static func take(
        _ server: ServerName,
        of instance: InstanceName,
        in state: FilePath,
        patience: Duration
    ) async throws(HeadError) -> ServerLock {
        let lock = try open(server, of: instance, in: state)
        let end = ContinuousClock.now + patience
        while flock(lock.raw, LOCK_EX | LOCK_NB) != 0 {
            let sleeps = ContinuousClock.now < end
            guard sleeps, (try? await Task.sleep(for: round)) != nil else {
                let holder = (try? lock.readAll(limit: 64, name: state)).map(\.logSafe) ?? ""
                throw HeadError(
                    .busy,
                    what: "The Galaxy server \(server) is served already"
                        + (holder.isEmpty ? "" : " by \(holder)"),
                    place: state.logSafe,
                    remedy: "End that process; runs go on meanwhile."
                )
            }
        }
        let text = Array("process \(getpid())".utf8)
        ftruncate(lock.raw, 0)
        _ = pwrite(lock.raw, text, text.count, 0)
        return ServerLock(lock)
    }

    private static func open(
        _ server: ServerName,
        of instance: InstanceName,
        in state: FilePath
    ) throws(HeadError) -> Descriptor {
        do throws(StagingError) {
            let folder = try naming { () throws(NameError) in try state.appending("serve") }
            let file = try naming { () throws(NameError) in
                try RelativePath("\(instance).\(server.fileName).lock")
            }
            if let relative = folder.relative(to: .root) {
                try Directory(path: .root).makeDirectories(relative)
            }
            guard folder.withCString({ chmod($0, 0o700) }) == 0 else {
                throw .system("protect", folder.logSafe)
            }
            return try Directory(path: folder)
                .open(file, O_RDWR | O_CREAT | O_NOFOLLOW, mode: FileMode(0o600))
        } catch {
            throw HeadError(error, doing: "Cannot lock the Galaxy server \(server)")
        }
    }
}

/// The name of a Galaxy server, such as `main.job-handlers.1`: 1 to 200 bytes.
struct ServerName: Sendable, Hashable, CustomStringConvertible {
    /// In bytes.
    static let longest = 200

    private let bytes: [UInt8]

    init?(_ text: String) {
        bytes = Array(text.utf8)
        guard (1...Self.longest).contains(bytes.count) else { return nil }
    }

    /// For people, labels and logs.
    var description: String { bytes.logSafe }

    /// The longest name that is written out.
    private static let longestPlain = 160

    /// The same name in a file's: what is not plain is written as `%` and two digits, so that no two
    /// names are one.
    var fileName: String {
        let text =
            bytes.map { byte -> String in
                let isPlain =
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || "-_.".utf8.contains(byte)
                return isPlain ? String(decoding: [byte], as: UTF8.self) : "%" + Hex.encode([byte])
            }
            .joined()
        return text.utf8.count <= Self.longestPlain ? text : "%%" + SHA256Digest(of: bytes).hex
    }
}
