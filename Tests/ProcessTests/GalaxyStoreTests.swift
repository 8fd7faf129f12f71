// SPDX-License-Identifier: Apache-2.0

import Glibc
import S3Client
import TestSupport
import Testing

/// `output_mode: object_store`: a job whose datasets are objects of Galaxy's own store, in the same
/// bucket, behind a cache on the head that has none of them.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct GalaxyStoreTests {
    private func stored(
        tool: String = "",
        _ body: (StoredJob) async throws -> Void
    ) async throws {
        try await Lab.run { lab in
            let bytes = (0..<12_000_000)
                .map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
            let script = #"echo live; sleep 0.6; cp "$IN1" "$OUT""#
            let stored = try await StoredJob(lab, bytes: bytes, tool: script + "\n" + tool)
            try await body(stored)
            try await stored.remove()
        }
    }

    /// Everything that a run must have come to.
    private func expectResult(_ stored: StoredJob) async throws {
        try await stored.expectOutput(stored.bytes)
        #expect(Shell.text(stored.job.exitCodeFile) == "0\n")
        let local = try Shell.run(
            "ls \(stored.job.objects); find \(stored.job.folder)/galaxy -size +9M"
        )
        #expect(local == "dataset_2.dat\ndataset_2_files\n", "no byte of either is here")
    }

    @Test func noByteOfADatasetPassesTheHead() async throws {
        try await stored { stored in
            let (status, answer) = try await stored.lab.run(stored.job, stored.options)
            #expect(status == 0, "\(answer.error?.message ?? answer.ending?.message ?? "")")
            try await expectResult(stored)
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
            try await expectResult(stored)
        }
    }

    @Test func collectingAgainChangesNothing() async throws {
        try await stored { stored in
            #expect(try await stored.lab.run(stored.job, stored.options).status == 0)
            let before = try await stored.lab.store.head(stored.output)
            let again = try await stored.lab.head("collect", stored.job, stored.options)
            #expect(again.status == 0, "\(again.errors)")
            #expect(try await stored.lab.store.head(stored.output) == before)
            try await expectResult(stored)
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
