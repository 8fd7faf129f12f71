// SPDX-License-Identifier: Apache-2.0

import Staging

/// What a Job says of Galaxy's job beside the run itself.
struct JobSubject: Sendable, Equatable {
    /// The tool's full id.
    var toolID: String
    /// The tool's container image as the job description has it.
    var image: String?
    /// The name of the Galaxy server that handles the job, if the plugin said so.
    var handler: String?
    /// The destination that Galaxy chose.
    var destination: String?

    init(
        toolID: String,
        image: String?,
        handler: String? = nil,
        destination: String? = nil
    ) {
        self.toolID = toolID
        self.image = image
        self.handler = handler
        self.destination = destination
    }
}

extension JobSubject {
    init(_ description: JobDescription) {
        self.init(toolID: description.toolID, image: description.image)
    }
}
