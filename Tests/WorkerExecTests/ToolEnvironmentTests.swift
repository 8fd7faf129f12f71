// SPDX-License-Identifier: Apache-2.0

import Names
import Testing

@testable import WorkerExec

@Suite struct ToolEnvironmentTests {
    private func make(
        _ own: [String],
        _ added: [String: String]
    ) -> [String] {
        ToolEnvironment.make(
            own: own.map { ByteString($0) },
            added: added.mapValues { ByteString($0) }
        )
        .map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test func whatTheImageHasStaysAndOursGoes() {
        let own = [
            "PATH=/bin", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "GALAXY_S3_X=c",
            "GALAXY_SLOTS=1", "AWS=kept", "XAWS_Y=kept", "EMPTY=", "odd",
        ]
        #expect(
            make(own, [:]) == [
                "PATH=/bin", "GALAXY_SLOTS=1", "AWS=kept", "XAWS_Y=kept", "EMPTY=", "odd",
            ]
        )
    }

    @Test func whatGalaxySaysWinsAndComesOnce() {
        #expect(
            make(["A=1", "B=2", "AB=3"], ["B": "x=y", "A": ""]) == ["AB=3", "A=", "B=x=y"]
        )
    }

    @Test func bytesThatAreNoTextPassUnchanged() {
        let value = ByteString([0x58, 0x3D, 0xFF, 0x0A])
        #expect(ToolEnvironment.make(own: [value], added: [:]) == [value])
    }
}
