// SPDX-License-Identifier: Apache-2.0

import Names
import Testing

@testable import WorkerExec

struct ToolEnvironmentTests {
    private func make(
        _ own: [String],
        _ added: [String: String] = [:]
    ) -> [String] {
        ToolEnvironment.make(
            own: own.map { ByteString($0) },
            added: added.mapValues { ByteString($0) }
        )
        .map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test func whatCanHoldASecretStaysWithTheWorker() {
        let own = [
            "AWS_SECRET_ACCESS_KEY=s", "AWS_SESSION_TOKEN=t", "AWS_WEB_IDENTITY_TOKEN_FILE=/f",
            "GALAXY_S3_ANYTHING=x", "https_proxy=http://user:password@proxy:1", "PATH=/bin",
            "AWSOME=1", "no_proxy=localhost", "HTTP_PROXY=http://proxy:1",
        ]
        let kept = ["PATH=/bin", "AWSOME=1", "no_proxy=localhost", "HTTP_PROXY=http://proxy:1"]
        #expect(make(own) == kept)
    }

    @Test func whatGalaxySaysWins() {
        #expect(make(["A=1", "B=2"], ["B": "3", "A_": ""]) == ["A=1", "A_=", "B=3"])
    }

    @Test func valuesAreBytes() {
        let odd = ByteString([UInt8(ascii: "X"), UInt8(ascii: "="), 0xff, 0x0a])
        #expect(ToolEnvironment.make(own: [odd], added: [:]) == [odd])
    }
}
