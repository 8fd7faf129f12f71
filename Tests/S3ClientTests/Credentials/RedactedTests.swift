// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Testing

@testable import S3Client

/// Invariant 8 begins here: a secret that gets into a text by mistake does not show.
@Suite struct RedactedTests {
    private struct Holder {
        var name = "holder"
        var secret = Redacted("a-secret-that-must-not-show")
    }

    @Test func `no rendering shows it`() {
        let holder = Holder()
        var dumped = ""
        dump(holder, to: &dumped)
        let texts = [
            "\(holder)", "\(holder.secret)", "\([holder.secret])",
            "\(Optional(holder.secret) as Any)",
            String(reflecting: holder), String(describing: holder.secret), dumped,
            holder.secret.debugDescription,
            "\(Mirror(reflecting: holder.secret).children.map(\.value))",
        ]
        for text in texts { #expect(!text.contains("must-not-show"), "\(text)") }
        #expect(holder.secret.reveal() == "a-secret-that-must-not-show")
    }

    @Test func `it cannot be encoded`() {
        #expect(!((Redacted("s") as Any) is any Encodable))
    }

    @Test func `credentials show their key's name at most`() {
        let credentials = Credentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE",
            secretKey: Redacted("a-secret-that-must-not-show"),
            sessionToken: Redacted("a-token-that-must-not-show")
        )
        #expect(!"\(credentials)".contains("must-not-show"))
        var dumped = ""
        dump(credentials, to: &dumped)
        #expect(!dumped.contains("must-not-show"))
    }
}
