// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import Names

/// Where the programs are that the head starts.
enum Programs {
    /// bubblewrap, from the usual places.
    static func bubblewrap() throws(HeadError) -> FilePath {
        for path in ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"]
        where access(path, X_OK) == 0 {
            return try self.path(path)
        }
        throw HeadError(
            .machine,
            what: "The local executor needs bubblewrap, and bwrap is not there",
            remedy: "Install it: apt-get install bubblewrap."
        )
    }

    /// The worker: where the configuration says, else beside this program.
    static func worker(_ configured: FilePath?) throws(HeadError) -> FilePath {
        let path: FilePath
        if let configured {
            path = configured
        } else {
            guard let folder = try own().parent else {
                throw HeadError(.machine, what: "This program has no folder")
            }
            path = try self.path("\(folder.text)/galaxy-worker-exec")
        }
        guard path.withCString({ access($0, X_OK) }) == 0 else {
            throw HeadError(
                .machine,
                what: "The worker is not there, or may not be run",
                place: path.logSafe,
                remedy: "Build it with Scripts/worker, and set local.worker to its path."
            )
        }
        return path
    }

    /// This very program, as it can be started once more: its own file, or what the kernel keeps of it
    /// where an upgrade has put another in its place.
    static func itself() throws(HeadError) -> FilePath {
        let own = try own()
        return own.withCString { access($0, X_OK) } == 0 ? own : try path("/proc/self/exe")
    }

    /// Where this program's own file is, or was when it began.
    private static func own() throws(HeadError) -> FilePath {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { throw HeadError(.machine, what: "/proc is not mounted") }
        do throws(NameError) {
            return try FilePath(buffer[..<count].map { UInt8(bitPattern: $0) })
        } catch {
            throw HeadError(.machine, what: error.what)
        }
    }

    private static func path(_ text: String) throws(HeadError) -> FilePath {
        do throws(NameError) {
            return try FilePath(text)
        } catch {
            throw HeadError(.machine, what: error.what)
        }
    }
}
