// SPDX-License-Identifier: Apache-2.0

import Digests
import Glibc
import Names
import S3Client
import TestSupport
import Testing

/// `output_mode: object_store`: a job whose datasets are objects of Galaxy's own store, in the same
/// bucket, behind a cache on the head that has none of them.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct GalaxyStoreTests {
    /// What one test has in Galaxy's store.
    private struct Stored {
        let lab: Lab
        let job: GalaxyJob
        let input: ObjectKey
        let output: ObjectKey
        let bytes: [UInt8]

        var cached: String { "\(job.objects)/dataset_3.dat" }
        let options = ["--set", "output_mode=object_store"]

        /// - Parameter tool: what it does after it has copied its input to its output.
        init(_ lab: Lab, tool: String = "") async throws {
            self.lab = lab
            let folder = "galaxy-store/\(lab.prefix)"
            input = try ObjectKey("\(folder)/dataset_1.dat")
            output = try ObjectKey("\(folder)/dataset_3.dat")
            let script = """
                echo live; sleep 0.6; cp "$IN1" \(lab.folder)/galaxy/objects/dataset_3.dat
                \(tool)
                """
            job = try GalaxyJob(folder: lab.folder, tool: script)
            bytes = (0..<12_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
            // As Galaxy leaves them: the input stored, the output empty, and nothing in the cache.
            _ = try await lab.store.put(input, bytes: bytes)
            _ = try await lab.store.put(output, bytes: [])
            try Shell.run("rm \(job.largeInput)")
            let place =
                #""bucket": "\#(lab.server.bucket)", "endpoint": "\#(lab.server.endpoint)/""#
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

        func remove() async throws { try await lab.store.delete([input, output]) }

        /// Everything that a run must have come to.
        func expectResult() async throws {
            let found = try #require(try await lab.store.bytes(of: output, limit: 16 << 20))
            #expect(found.bytes == bytes)
            #expect(found.info.metadata["galaxy-s3-crc64nvme"] == CRC64NVME(of: bytes).hex)
            #expect(Shell.text(job.exitCodeFile) == "0\n")
            let local = try Shell.run("ls \(job.objects); find \(job.folder)/galaxy -size +9M")
            #expect(local == "dataset_2.dat\ndataset_2_files\n", "no byte of either is here")
        }
    }

    private func stored(
        tool: String = "",
        _ body: (Stored) async throws -> Void
    ) async throws {
        try await Lab.run { lab in
            let stored = try await Stored(lab, tool: tool)
            try await body(stored)
            try await stored.remove()
        }
    }

    @Test func noByteOfADatasetPassesTheHead() async throws {
        try await stored { stored in
            let (status, answer) = try await stored.lab.run(stored.job, stored.options)
            #expect(status == 0, "\(answer.error?.message ?? answer.ending?.message ?? "")")
            try await stored.expectResult()
            let staged = try await stored.lab.keys("/stage/")
            #expect(staged == [], "what Galaxy has stored is not stored again")
        }
    }

    @Test(arguments: [#""event":"submitted""#, #""phase_began","phase":"collect""#])
    func aKilledHeadIsTakenUpByTheNext(_ moment: String) async throws {
        try await stored { stored in
            let first = try stored.lab.start("run", stored.job, ["--json"] + stored.options)
            try await Patience.long.wait(moment) {
                first.output.contains(moment) || first.hasEnded
            }
            first.send(SIGKILL)
            _ = try await first.ending()
            let (status, answer) = try await stored.lab.run(stored.job, stored.options)
            #expect(status == 0, "\(answer.error?.message ?? answer.ending?.message ?? "")")
            try await stored.expectResult()
        }
    }

    @Test func collectingAgainChangesNothing() async throws {
        try await stored { stored in
            #expect(try await stored.lab.run(stored.job, stored.options).status == 0)
            let before = try await stored.lab.store.head(stored.output)
            let again = try await stored.lab.head("collect", stored.job, stored.options)
            #expect(again.status == 0, "\(again.errors)")
            #expect(try await stored.lab.store.head(stored.output) == before)
            try await stored.expectResult()
        }
    }

    @Test func nothingIsVisibleOfARunThatWasCancelled() async throws {
        try await stored(tool: "sleep 600") { stored in
            let first = try stored.lab.start("run", stored.job, ["--json"] + stored.options)
            try await Patience.long.wait("output") { first.output.contains(#""event":"output""#) }
            #expect(try await stored.lab.head("cancel", stored.job, stored.options).status == 0)
            _ = try await first.ending()
            #expect(try await stored.lab.store.head(stored.output)?.size == 0)
        }
    }

    @Test func anotherBucketThanTheHeadsIsRefusedInWords() async throws {
        try await stored { stored in
            let text = Shell.text(stored.job.description)
            let other = text.replacing("\"\(stored.lab.server.bucket)\"", with: "\"other-bucket\"")
            try stored.job.write(description: other)
            let (status, answer) = try await stored.lab.run(stored.job, stored.options)
            #expect(status != 0)
            #expect(answer.error?.message?.contains("s3://other-bucket at") == true)
        }
    }

    @Test func anInputThatChangesWhileTheJobWaitsIsNotTakenForTheOther() async throws {
        try await stored { stored in
            // The first head stages; before a worker fetches, somebody else writes there.
            let first = try stored.lab.start("run", stored.job, ["--json"] + stored.options)
            let spec = #""phase_ended""#
            try await Patience.long.wait(spec) { first.output.contains(spec) || first.hasEnded }
            first.send(SIGSTOP)
            _ = try await stored.lab.store.put(stored.input, bytes: [1, 2, 3])
            first.send(SIGCONT)
            let ending = try await first.ending()
            // A worker that was quicker has read what was promised.
            let result = try await stored.lab.store.bytes(of: stored.output, limit: 16 << 20)
            if ending.status == 0 {
                #expect(result?.bytes == stored.bytes)
            } else {
                #expect(result?.bytes == [])
                #expect(ending.output.contains("Galaxy's object store"), "\(ending.output)")
            }
        }
    }
}
