// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Diagnostics
import Digests
import Glibc
import Names
import S3Client
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

    /// In bytes.
    private static let longest = 64 << 20

    /// The description and its digest.
    func description() throws(HeadError) -> (JobDescription, SHA256Digest) {
        let bytes = try read()
        do throws(ContractError) {
            return (try Self.decode(bytes), SHA256Digest(of: bytes))
        } catch {
            throw HeadError(
                .description,
                what: error.what,
                place: job.logSafe,
                remedy: error.remedy.isEmpty
                    ? "docs/job-description.md explains every field." : error.remedy
            )
        }
    }

    /// A misspelt name is said rather than that the right one is missing.
    private static func decode(_ bytes: [UInt8]) throws(ContractError) -> JobDescription {
        let description: JobDescription
        do throws(ContractError) {
            description = try ContractCoding.decode(
                JobDescription.self,
                from: bytes,
                name: "job description"
            )
        } catch {
            if error.code == .malformed { try DescriptionFields.check(bytes) }
            throw error
        }
        try DescriptionFields.check(bytes)
        return description
    }

    private func read() throws(HeadError) -> [UInt8] {
        let why: String
        do throws(SmallFile.Failure) {
            return try SmallFile.read(bytes: Array(job.utf8), limit: Self.longest)
        } catch {
            switch error {
            case .tooLong: why = "it has more than \(Self.longest >> 20) MiB"
            case .system(let number): why = String(cString: strerror(number))
            }
        }
        throw HeadError(
            .input,
            what: "Cannot read the job description \(job.logSafe): \(why)",
            remedy: "Name the JSON document that describes the job, with --job."
        )
    }
}
