// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import Names

/// Whether tries have a place on this machine. Makes nothing.
struct StateExamination {
    /// Less than this is worth a word.
    private static let littleBytes: UInt64 = 10 << 30

    let directory: FilePath

    func run() -> DoctorFinding {
        let check = "state directory"
        var place = directory
        while place.withCString({ access($0, F_OK) }) != 0, let parent = place.parent {
            place = parent
        }
        var status = stat()
        let isDirectory =
            place.withCString { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFDIR
        guard isDirectory, place.withCString({ access($0, W_OK | X_OK) }) == 0 else {
            return .fail(
                check,
                "\(directory) cannot be made or written: "
                    + (isDirectory
                        ? "\(place) is closed to user \(geteuid())" : "\(place) is no directory"),
                "Set local.state_directory to a directory of this user's."
            )
        }
        var space = statvfs()
        guard place.withCString({ statvfs($0, &space) }) == 0 else {
            return .warn(check, "\(directory) does not say how much room it has")
        }
        let free = UInt64(space.f_bavail) * UInt64(space.f_frsize)
        let text = "\(directory) has room for \(ByteCount.text(Int64(clamping: free)))"
        return free < Self.littleBytes
            ? .warn(check, text, "Make room: a job's inputs and outputs lie there while it runs.")
            : .ok(check, text)
    }
}
