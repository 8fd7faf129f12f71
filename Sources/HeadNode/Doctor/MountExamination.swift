// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import Staging

/// Whether the mount that links lead into shows the bucket as it is now.
struct MountExamination: Sendable {
    let look: MountLook

    func run() async -> DoctorFinding {
        let place = look.mount.path.logSafe
        do throws(StagingError) {
            guard let trouble = try await look.trouble() else {
                return .ok("mount", "\(place) shows the bucket as it is")
            }
            return .fail(
                "mount",
                trouble,
                "Mount the bucket there, for every user that reads datasets; outputs are copied until "
                    + "then. Check link.mount and link.prefix."
            )
        } catch {
            return .fail("mount", "\(place) cannot be tried out: \(error.line)", error.remedy)
        }
    }
}
