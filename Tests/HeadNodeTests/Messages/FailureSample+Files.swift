// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Names
import Staging
import Testing

@testable import HeadNode

extension FailureSample {
    /// Files of this machine's, and the description that names them.
    static let files: [FailureSample] = [
        surveying("input-missing", inputs: ["dataset_7.dat"]) { _ in },
        surveying("input-is-a-pipe", inputs: ["dataset_7.dat"]) { folder in
            try #require(mkfifo(folder.path + "/dataset_7.dat", 0o600) == 0)
        },
        surveying("link-leaves-the-job") { folder in
            try #require(symlink("/etc/passwd", folder.path + "/jobs/42/passwd") == 0)
        },
        FailureSample("input-changed") {
            .refused(try whileStaging(.changed(FilePath("/galaxy/dataset_7.dat"))))
        },
        FailureSample("input-unreadable") {
            let folder = try JobFolder()
            return try await folder.error {
                throw try whileStaging(.system("read", "/galaxy/dataset_7.dat", EACCES))
            }
        },
        FailureSample("directory-unreadable") {
            let folder = try JobFolder()
            return try await folder.error {
                let path = "/galaxy/dataset_7_files"
                throw try whileStaging(.system("open the directory", path, EACCES))
            }
        },
        FailureSample("too-many-open-files") {
            .refused(try whileStaging(.system("open", "/galaxy/dataset_7.dat", EMFILE)))
        },
        FailureSample("name-too-long") {
            let long = [UInt8](repeating: UInt8(ascii: "n"), count: 1_100)
            let error = try #require(throws: NameError.self) { try ObjectKey(long) }
            return .refused(try whileStaging(.name(error)))
        },
        FailureSample("disk-full") {
            let error = StagingError.system("write", "/galaxy/dataset_7.dat.tmp", ENOSPC)
            return .refused(HeadError(error, doing: "Cannot collect run \(try run())"))
        },
        FailureSample("disk-too-small-for-results") {
            let error = StagingError.noRoom(
                forResults: 2_199_023_255_552,
                at: try FilePath("/galaxy/database/objects/0"),
                freeBytes: 21_474_836_480
            )
            return .refused(HeadError(error, doing: "Cannot collect run \(try run())"))
        },
        FailureSample("disk-broken") {
            let error = StagingError.system("write", "/galaxy/dataset_7.dat.tmp", EIO)
            return .refused(HeadError(error, doing: "Cannot collect run \(try run())"))
        },
        FailureSample("description-not-there") {
            try await JobFolder()
                .error { _ = try DescriptionFile.read(Array("/galaxy/none/job.json".utf8)) }
        },
        FailureSample("description-misspelt") {
            let folder = try JobFolder()
            return try await folder.error {
                _ = try folder.description(wrong: #","imputs":[]"#)
            }
        },
        FailureSample("description-newer") {
            let folder = try JobFolder()
            return try await folder.error {
                try folder.write("job.json", #"{"version":2}"#)
                _ = try DescriptionFile.read(Array("\(folder.path)/job.json".utf8))
            }
        },
        FailureSample("description-contradicts-itself") {
            let folder = try JobFolder()
            return try await folder.error {
                let description = try folder.description(
                    inputs: ["dataset_7.dat"],
                    outputs: ["dataset_7.dat"]
                )
                try await HeadNode.staging("Cannot stage job 42") {
                    () async throws(StagingError) in try description.validate()
                }
            }
        },
        FailureSample("output-mode-does-not-fit") {
            let folder = try JobFolder()
            return try await folder.error {
                try folder.description(outputs: ["jobs/42/outputs/o.dat"]).check(.link)
            }
        },
    ]

    private static func surveying(
        _ name: String,
        inputs: [String] = [],
        _ prepare: @escaping @Sendable (JobFolder) throws -> Void
    ) -> FailureSample {
        FailureSample(name) {
            let folder = try JobFolder()
            try prepare(folder)
            let description = try folder.description(inputs: inputs)
            return try await folder.error {
                try await HeadNode.staging("Cannot stage job 42") {
                    () async throws(StagingError) in
                    _ = try JobSurvey(description, mount: nil)
                }
            }
        }
    }

    private static func whileStaging(_ error: StagingError) throws -> HeadError {
        HeadError(error, doing: "Cannot stage job 42")
    }
}
