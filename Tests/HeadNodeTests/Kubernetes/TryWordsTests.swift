// SPDX-License-Identifier: Apache-2.0

import Contract
import Testing

@testable import HeadNode

@Suite struct TryWordsTests {
    private func line(_ frame: WorkerFrame) throws -> ArraySlice<UInt8> {
        try frame.line().dropLast()
    }

    @Test func aPodStoresWhenItsLastContainerSaysSo() throws {
        let words = TryWords()
        let storing = WorkerFrame.progress(
            phase: "push",
            bytes: 0,
            totalBytes: 0,
            files: 0,
            totalFiles: 0
        )
        let fetching = WorkerFrame.progress(
            phase: "fetch",
            bytes: 1,
            totalBytes: 1,
            files: 1,
            totalFiles: 1
        )
        #expect(words.take(try line(fetching), of: "a", isBelieved: true) == fetching)
        // A tool can write what it likes into its own log.
        #expect(words.take(try line(storing), of: "a", isBelieved: false) == storing)
        _ = words.take(try line(.resultStored), of: "a", isBelieved: false)
        #expect(words.storing.isEmpty)
        #expect(!words.hasResult)
        _ = words.take(try line(storing), of: "b", isBelieved: true)
        #expect(words.storing == ["b"])
        _ = words.take(try line(.resultStored), of: "b", isBelieved: true)
        #expect(words.hasResult)
    }
}
