// SPDX-License-Identifier: Apache-2.0

import Digests
import Names
import S3Client
import TestSupport
import Testing

/// A job whose large input and whose output are objects of Galaxy's own store, in the same bucket, behind a
/// cache on the head that has neither.
struct StoredJob {
    let lab: Lab
    let job: GalaxyJob
    let input: ObjectKey
    let output: ObjectKey
    let bytes: [UInt8]
    let options = ["--set", "output_mode=object_store"]

    /// - Parameters:
    ///   - bytes: the input's.
    ///   - tool: as a `GalaxyJob` has it; its `$OUT` is the output's place in the cache.
    init(
        _ lab: Lab,
        bytes: [UInt8],
        tool: String
    ) async throws {
        self.lab = lab
        self.bytes = bytes
        let folder = "galaxy-store/\(lab.prefix)"
        input = try ObjectKey("\(folder)/dataset_1.dat")
        output = try ObjectKey("\(folder)/dataset_3.dat")
        let cached = "\(lab.folder)/galaxy/objects/dataset_3.dat"
        job = try GalaxyJob(folder: lab.folder, tool: "OUT=\(cached)\n\(tool)")
        // As Galaxy leaves them: the input stored, the output empty, and nothing in the cache.
        _ = try await lab.store.put(input, bytes: bytes)
        _ = try await lab.store.put(output, bytes: [])
        try Shell.run("rm \(job.largeInput)")
        let place = #""bucket": "\#(lab.server.bucket)", "endpoint": "\#(lab.server.endpoint)/""#
        try job.write(
            description: job.json
                .replacing(
                    #"{"path": "\#(job.largeInput)"}"#,
                    with: #"""
                        {"path": "\#(job.largeInput)",
                         "object": {\#(place), "key": "\#(input)", "size": \#(bytes.count)}}
                        """#
                )
                .replacing(
                    #"{"name": "out", "path": "\#(job.output)","#,
                    with: #"""
                        {"name": "out", "path": "\#(cached)",
                         "object": {\#(place), "key": "\#(output)"},
                        """#
                )
        )
    }

    /// Takes away what it has in Galaxy's store.
    func remove() async throws { try await lab.store.delete([input, output]) }

    /// What stands at the output's key.
    func found() async throws -> [UInt8] {
        try await lab.store.bytes(of: output, limit: 16 << 20)?.bytes ?? []
    }

    /// The output is there, and says its sum.
    func expectOutput(_ expected: [UInt8]) async throws {
        let found = try #require(try await lab.store.bytes(of: output, limit: 16 << 20))
        #expect(found.bytes == expected)
        #expect(found.info.metadata["galaxy-s3-crc64nvme"] == CRC64NVME(of: expected).hex)
    }
}
