// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HeadNode

@Suite struct S3PresignCommandTests {
    @Test(arguments: [("1s", Int64(1)), ("90s", 90), ("1h", 3600), ("7d", 604_800)])
    func `Times that a URL can be good for`(_ text: String, _ seconds: Int64) throws {
        #expect(try S3PresignCommand.seconds(text) == seconds)
    }

    @Test(arguments: ["0s", "604801s", "8d", "60", "", "-1s", "1h 1m", "forever"])
    func `Times that none can`(_ text: String) {
        #expect(throws: (any Error).self) { try S3PresignCommand.seconds(text) }
    }
}
