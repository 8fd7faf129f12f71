// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import S3Client
import Testing

@testable import HeadNode

@Suite struct CredentialsExaminationTests {
    private func what(seconds: Int64?, isHandedOver: Bool = false) -> String {
        let now = Timestamp(seconds: 1_700_000_000)
        let finding = CredentialsExamination(
            found: Credentials(
                accessKeyID: "ASIAIOSFODNN7EXAMPLE",
                secretKey: Redacted("canary-secret"),
                sessionToken: Redacted("canary-token"),
                expires: seconds.map { Timestamp(seconds: now.seconds + $0) },
                source: "web identity at https://sts.example.org"
            ),
            isHandedOver: isHandedOver,
            now: now
        )
        .run()
        #expect(finding.verdict == .ok)
        #expect(!finding.line.contains("canary"))
        return finding.what
    }

    @Test func theSourceIsNamed() {
        #expect(
            what(seconds: nil)
                == "access key ASIA…LE from web identity at https://sts.example.org"
        )
    }

    @Test(arguments: [
        (Int64(21_540), "until 2023-11-15T04:12:20Z (5h59m); they are renewed"),
        (3600, "until 2023-11-14T23:13:20Z (1h0m); they are renewed"),
        (3599, "until 2023-11-14T23:13:19Z (59m); they are renewed"),
        (40, "until 2023-11-14T22:14:00Z (40s); they are renewed"),
        (-5, "until 2023-11-14T22:13:15Z (0s); they are renewed"),
    ])
    func theirEndIsSaid(_ seconds: Int64, _ end: String) {
        #expect(what(seconds: seconds).hasSuffix(", " + end))
    }

    @Test func aLocalWorkerHasThoseOfItsStart() {
        #expect(
            what(seconds: 60, isHandedOver: true)
                .hasSuffix("; they are renewed, but a local worker keeps those that it starts with")
        )
    }
}
