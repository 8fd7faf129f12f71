// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Diagnostics
import Glibc
import Names
import Staging

/// Puts this program where the tool's container finds it.
struct InstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Copy this program into a folder, whole or not at all."
    )

    @Argument(help: "The folder, on a volume that the tool's container mounts read-only.")
    var directory: String

    func run() async throws {
        try await conclude { () async throws(WorkerFailure) in
            let path = try FilePath(argument: directory, option: "DIR")
            do throws(StagingError) {
                try Self.install(into: Directory(path: path))
            } catch {
                throw WorkerFailure(.io, error)
            }
        }
    }

    private static func install(into directory: Directory) throws(StagingError) {
        let own: FilePath
        do throws(NameError) {
            own = try FilePath("/proc/self/exe")
        } catch {
            throw .name(error)
        }
        let fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { throw .system("read", "this program") }
        let source = Descriptor(owning: fd)
        let temporary = try RelativePath.one(".galaxy-worker-exec.new".utf8)
        try directory.remove(temporary)
        let copy = try directory.open(temporary, O_WRONLY | O_CREAT | O_EXCL, action: "create")
        let size = try source.status().stamp.size
        var offset: off_t = 0
        while Int64(offset) < size {
            let count = sendfile(copy.raw, source.raw, &offset, Int(size) - Int(offset))
            guard count > 0 else { throw .system("copy", own.logSafe) }
        }
        try copy.set(mode: FileMode(0o755), modified: Clock.fileTime(), name: directory.path)
        try copy.synchronise(name: directory.path)
        try directory.rename(temporary, to: try RelativePath.one("galaxy-worker-exec".utf8))
    }
}
