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

    /// The description and its digest.
    func description() throws(HeadError) -> (JobDescription, SHA256Digest) {
        let bytes = try read()
        do throws(ContractError) {
            let description = try ContractCoding.decode(
                JobDescription.self,
                from: bytes,
                name: "job description"
            )
            return (description, SHA256Digest(of: bytes))
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

    private func read() throws(HeadError) -> [UInt8] {
        let fd = open(job, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else {
            throw HeadError(
                StagingError.system("read", job.logSafe),
                doing: "Cannot read the job description"
            )
        }
        do throws(StagingError) {
            let name: FilePath
            do throws(NameError) { name = try FilePath("/job") } catch { throw .name(error) }
            return try Descriptor(owning: fd).readAll(limit: 64 << 20, name: name)
        } catch {
            throw HeadError(error, doing: "Cannot read the job description \(job.logSafe)")
        }
    }
}
