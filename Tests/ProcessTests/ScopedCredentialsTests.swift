// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import S3Client
import TestSupport
import Testing

/// Keys that may touch one prefix of a bucket and nothing else: what docs/security.md asks for.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct ScopedCredentialsTests {
    private typealias Deed = (name: String, work: (S3Store) async throws -> Void)

    @Test(arguments: ["single", "split"])
    func keysOfOnePrefixCarryAWholeJobAndReachNothingElse(_ shape: String) async throws {
        try await OwnServer.run { own in
            let owner = try own.server.store()
            let foreign = try ["other/k", "processes/k", "process"].map { try ObjectKey($0) }
            for key in foreign { _ = try await owner.put(key, bytes: [1]) }
            try await Lab.run(on: own.tenant) { lab in
                let job = try GalaxyJob(folder: lab.folder, tool: "cat $IN2 > $OUT")
                let (status, answer) = try await lab.run(job, ["--set", "local.shape=\(shape)"])
                #expect(status == 0, "\(answer.ending?.message ?? answer.error?.message ?? "")")
                #expect(Shell.text(job.output) == Shell.text(job.smallInput))
                let mine = try #require(try await lab.keys().first.map { try ObjectKey($0) })
                for key in foreign {
                    for deed in deeds(on: key, with: mine) {
                        await expectDenied(deed, key, lab)
                    }
                }
            }
            for key in foreign {
                let found = try await owner.bytes(of: key, limit: 10)
                #expect(found?.bytes == [1], "\(key) is as it was")
            }
        }
    }

    /// Ways to somebody else's object.
    private func deeds(on key: ObjectKey, with mine: ObjectKey) -> [Deed] {
        [
            ("get", { _ = try await $0.bytes(of: key, limit: 10) }),
            ("head", { _ = try await $0.head(key) }),
            ("put", { _ = try await $0.put(key, bytes: [2]) }),
            ("delete", { try await $0.delete(key) }),
            ("delete many", { try await $0.delete([key]) }),
            ("list", { _ = try await $0.entries(below: Array(key.bytes.prefix(5))) }),
            ("list all", { _ = try await $0.entries(below: []) }),
            (
                "copy from",
                {
                    _ = try await $0.copy(
                        from: key,
                        to: mine,
                        sourceIfMatch: nil,
                        options: PutOptions()
                    )
                }
            ),
            (
                "copy to",
                {
                    _ = try await $0.copy(
                        from: mine,
                        to: key,
                        sourceIfMatch: nil,
                        options: PutOptions()
                    )
                }
            ),
            ("begin an upload", { _ = try await $0.createMultipart(key, options: PutOptions()) }),
        ]
    }

    private func expectDenied(_ deed: Deed, _ key: ObjectKey, _ lab: Lab) async {
        do {
            try await deed.work(lab.store)
            Issue.record("\(deed.name) \(key) was done")
        } catch let error as S3Error {
            #expect(error.code == .accessDenied, "\(deed.name): \(error.line)")
        } catch {
            Issue.record("\(deed.name): \(error)")
        }
    }
}
