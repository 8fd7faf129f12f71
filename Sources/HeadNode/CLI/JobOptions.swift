// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Digests
import Staging

/// The arguments of every verb that speaks of one job.
struct JobOptions: ParsableArguments {
    @OptionGroup var config: ConfigOptions

    @Option(
        help: ArgumentHelp(
            "The job description: what Galaxy knows of the job.",
            discussion: "A JSON document; docs/job-description.md explains it.",
            valueName: "file"
        )
    )
    var job: String

    /// The description and its digest.
    func description() throws(HeadError) -> (JobDescription, SHA256Digest) {
        try DescriptionFile.read(Array(job.utf8))
    }
}
