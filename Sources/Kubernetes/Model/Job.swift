// SPDX-License-Identifier: Apache-2.0

/// A Job (batch/v1) as the server has it; of its fields, those that we read.
package struct Job: ClusterResource, Equatable {
    package static let kind = ResourceKind.jobs

    package var metadata: ObjectMeta
    package var status: JobStatus
    /// After how many seconds the server removes it when it has ended. A server that does not do
    /// that drops the field.
    package var timeToLive: Int?

    private enum CodingKeys: String, CodingKey { case metadata, spec, status }
    private struct Spec: Decodable { var ttlSecondsAfterFinished: Int? }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        metadata = try fields.decode(ObjectMeta.self, forKey: .metadata)
        timeToLive = try fields.decodeIfPresent(Spec.self, forKey: .spec)?.ttlSecondsAfterFinished
        status = try fields.decodeIfPresent(JobStatus.self, forKey: .status) ?? JobStatus()
    }
}

/// How a Job fares. A new Job's is empty.
package struct JobStatus: Decodable, Sendable, Equatable {
    package var active = 0
    package var succeeded = 0
    package var failed = 0
    package var conditions: [Condition] = []

    private enum CodingKeys: String, CodingKey { case active, succeeded, failed, conditions }

    package init() {}

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        active = try fields.decodeIfPresent(Int.self, forKey: .active) ?? 0
        succeeded = try fields.decodeIfPresent(Int.self, forKey: .succeeded) ?? 0
        failed = try fields.decodeIfPresent(Int.self, forKey: .failed) ?? 0
        conditions = try fields.decodeIfPresent([Condition].self, forKey: .conditions) ?? []
    }

    /// The condition of this type, if the status has one.
    package func condition(_ type: String) -> Condition? { conditions.first { $0.type == type } }
}
