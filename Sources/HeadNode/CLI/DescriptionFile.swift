// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Glibc
import Staging

/// Reads a job description from its file.
enum DescriptionFile {
    /// In bytes.
    private static let longest = 64 << 20

    /// The description and its digest.
    ///
    /// - Parameter path: absolute, or relative to the current directory.
    static func read(_ path: [UInt8]) throws(HeadError) -> (JobDescription, SHA256Digest) {
        let bytes = try bytes(path)
        do throws(ContractError) {
            return (try decode(bytes), SHA256Digest(of: bytes))
        } catch {
            throw HeadError(
                .description,
                what: error.what,
                place: path.logSafe,
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

    private static func bytes(_ path: [UInt8]) throws(HeadError) -> [UInt8] {
        let why: String
        do throws(SmallFile.Failure) {
            return try SmallFile.read(bytes: path, limit: longest)
        } catch {
            switch error {
            case .tooLong: why = "it has more than \(longest >> 20) MiB"
            case .system(let number): why = String(cString: strerror(number))
            }
        }
        throw HeadError(
            .input,
            what: "Cannot read the job description \(path.logSafe): \(why)",
            remedy: "Name the JSON document that describes the job, with --job."
        )
    }
}
