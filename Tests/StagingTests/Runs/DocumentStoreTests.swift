// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client
import TestSupport
import Testing

@testable import Staging

/// What stands where a document should be: a proxy's page for people, another version, nothing.
@Suite struct DocumentStoreTests {
    private static let page = Array("<html><h1>Back in five minutes</h1></html>".utf8)

    private let key: ObjectKey
    private let result: RunResult

    init() throws {
        key = try ObjectKey("p/jobs/main/1-0123456789abcdef/result.json")
        let run = try RunID("1-0123456789abcdef")
        result = RunResult(run: run, verdict: .ended(reason: .cancelled, message: "It was."))
    }

    /// What does not keep it alive: the store has it itself.
    private struct Weak: Sendable {
        weak let store: InMemoryObjectStore?
    }

    /// A store that has a page in place of the document, for so many requests.
    private func store(pages: Int) async throws -> InMemoryObjectStore {
        let (key, late) = (key, Late<Weak>())
        let bytes = try ContractCoding.encode(result)
        let store = InMemoryObjectStore { call throws(S3Error) in
            guard call.kind == .get, call.isDone, call.number == pages, let store = late.get?.store
            else { return }
            late.forget()
            _ = try await store.put(key, bytes: bytes)
        }
        _ = try await store.put(key, bytes: pages > 0 ? Self.page : bytes)
        late.set(Weak(store: store))
        return store
    }

    private func read(_ store: InMemoryObjectStore) async throws(StagingError) -> RunResult? {
        try await DocumentStore(store).read(RunResult.self, at: key, name: "result")
    }

    private func gets(_ store: InMemoryObjectStore) -> Int {
        store.calls.count { $0.kind == .get && !$0.isDone }
    }

    @Test(arguments: 0...3) func whatIsNoDocumentIsReadAgain(_ pages: Int) async throws {
        let store = try await store(pages: pages)
        #expect(try await read(store) == result)
        #expect(gets(store) == pages + 1)
    }

    @Test func whatStaysNoDocumentIsTheStoresTrouble() async throws {
        let store = try await store(pages: 100)
        let error = await #expect(throws: StagingError.self) { try await read(store) }
        #expect(error?.code == .store)
        #expect((error?.cause as? S3Error)?.code == .badAnswer)
        #expect(gets(store) == 4, "a loop with an end")
    }

    @Test func anotherVersionIsAnAnswer() async throws {
        let store = InMemoryObjectStore()
        _ = try await store.put(key, bytes: Array(#"{"version": 99}"#.utf8))
        let error = await #expect(throws: StagingError.self) { try await read(store) }
        #expect(error?.code == .document)
        #expect(gets(store) == 1)
        try await store.delete(key)
        #expect(try await read(store) == nil)
    }
}
