// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import TestSupport
import Testing

@testable import S3Client

@Suite struct ConfigTextTests {
    private func parse(_ text: String) throws(S3Error) -> ConfigText {
        try ConfigText(Array(text.utf8), file: "/f")
    }

    @Test(arguments: [
        "[default]\naws_access_key_id = A\naws_secret_access_key=b/+=\n",
        "[default]\r\naws_access_key_id=A\r\naws_secret_access_key=b/+=\r\n",
        "\u{FEFF}[default]\nAWS_ACCESS_KEY_ID =A\nAws_Secret_Access_Key = b/+=",
        "# c\n; c\n\n[ default ] # c\n  \naws_access_key_id=A ; c\naws_secret_access_key=b/+=\t# c",
        "[default]\naws_access_key_id=old\n[x]\na=b\n[default]\naws_access_key_id=A\n"
            + "aws_secret_access_key=b/+=",
        "[default]\naws_access_key_id=A\ns3 =\n  max_concurrent_requests = 5\n  aws_access_key_id=no\n"
            + "aws_secret_access_key=b/+=",
    ])
    func `spellings of one profile`(text: String) throws {
        let profile = try #require(try parse(text).profile("default", isConfig: false))
        #expect(profile["aws_access_key_id"] == "A")
        #expect(profile["aws_secret_access_key"] == "b/+=")
    }

    @Test func `profiles of the config file have a prefix, but for the default`() throws {
        let text = try parse("[profile x]\nregion=a\n[y]\nregion=b\n[profile\tz]\nregion=c")
        #expect(text.profile("x", isConfig: true)?["region"] == "a")
        #expect(text.profile("y", isConfig: true) == nil)
        #expect(text.profile("z", isConfig: true)?["region"] == "c")
        #expect(text.profile("y", isConfig: false)?["region"] == "b")
        #expect(
            try parse("[default]\nregion=d").profile("default", isConfig: true)?["region"] == "d"
        )
        let both = try parse("[default]\nregion=d\n[profile default]\nregion=e")
        #expect(both.profile("default", isConfig: true)?["region"] == "e")
    }

    @Test func `a hash without a blank before it belongs to the value`() throws {
        let text = try parse("[x]\na=b#c\nd=e;f")
        #expect(text.section("x") == ["a": "b#c", "d": "e;f"])
    }

    @Test(arguments: [
        ("[default\na=b", 1), ("a=b\n[default]", 1), ("[x]\n\nsecret-word\n", 3),
        ("[x]\r\na=b\r\n[y\r\n", 3),
    ])
    func `what is malformed is named by its line and not shown`(text: String, line: Int) {
        do throws(S3Error) {
            _ = try parse(text)
            Issue.record("taken")
        } catch {
            #expect(error.what.contains("line \(line)"))
            #expect(!error.line.contains("secret-word"))
        }
    }

    @Test func `any bytes give a file or an error`() {
        var generator = SeededGenerator(seed: 4)
        let alphabet = Array("[]=#; \t\r\nab\u{FEFF}".utf8) + [0, 0xFF]
        var taken = 0
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...30, using: &generator))
                .map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
                }
            if (try? ConfigText(bytes, file: "f")) != nil { taken += 1 }
        }
        #expect(taken > 0 && taken < 20_000)
    }
}
