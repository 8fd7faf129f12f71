// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import Staging

extension JobDescription {
    /// Refuses a new run whose outputs could not stay in the bucket as its mode wants them to: Galaxy
    /// has been told to look for them in the job directory.
    func check(_ mode: OutputMode) throws(HeadError) {
        guard mode.staysInBucket,
            let output = outputs.first(where: { $0.path.isAtOrBelow(jobDirectory) })
        else { return }
        throw HeadError(
            .description,
            what:
                "output_mode is \(mode.rawValue), and the output \"\(output.name.logSafe)\" is in "
                + "the job directory",
            place: output.path.logSafe,
            remedy: "Set `outputs_to_working_directory: false` on Galaxy's environment, or use "
                + "`output_mode: copy`."
        )
    }
}
