// SPDX-License-Identifier: Apache-2.0

import Names

/// Which of a job's files a node's cache may keep for other jobs. The job directory and outputs are
/// never among them.
package enum CacheScope: Sendable {
    case nothing
    /// Reference data and the tools' own files: what many jobs read, and no user's.
    case reference
    /// Input datasets too.
    case inputs

    /// The files of `survey` that it speaks of.
    func paths(_ survey: JobSurvey) -> Set<FilePath> {
        let data = Set(survey.data.map(\.path))
        let reference = survey.reference.intersection(data).union(survey.tools.map(\.path))
        switch self {
        case .nothing: return []
        case .reference: return reference
        case .inputs: return reference.union(data).union(survey.linked.map(\.path))
        }
    }
}
