// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HeadNode

@Suite struct QuantityTests {
    @Test(
        arguments: [
            ("0", 0), ("10", 10), ("10k", 10_000), ("10G", 10_000_000_000), ("1Ki", 1024),
            ("256Ki", 262_144), ("1Mi", 1_048_576), ("0.5Ki", 512), (".5Gi", 536_870_912),
            ("1.", 1),
            ("1e3", 1000), ("1E3", 1000), ("1.5e1", 15), ("100e-2", 1), ("2000m", 2), ("+7", 7),
            ("1E", 1_000_000_000_000_000_000), ("7Ei", 8_070_450_532_247_928_832),
            ("9223372036854775807", Int64.max), ("-0", nil), ("00010", 10), ("0E", 0),
        ] as [(String, Int64?)]
    )
    func takesWhatKubernetesTakes(_ text: String, _ bytes: Int64?) {
        #expect((try? Quantity.bytes(text, expected: "a size")) == bytes)
    }

    @Test(arguments: [
        "", "-1", "-", "+", ".", "Ki", "10K", "10KB", "10GiB", "10 Ki", "1e", "1e+", "1ee3", "0x10",
        "1_000", "1,5Gi", "1..5", "8Ei", "9223372036854775808", "1e30", "0.1", "1m", "1n",
        "123456789012345678901", "1e999999", "1e9999999", "１０", "10Кi", "NaN", "1k1",
    ])
    func refusesEverythingElse(_ text: String) {
        #expect(throws: BadValue.self) { try Quantity.bytes(text, expected: "a size") }
    }

    @Test func saysWhatASuffixWouldBe() {
        #expect(
            throws: BadValue(
                why: "\"10GiB\" is not a size: without the B it is, Gi",
                remedy: "Write a size."
            )
        ) { try Quantity.bytes("10GiB", expected: "a size") }
    }

    @Test(
        arguments: [(0, "0"), (1000, "1000"), (1024, "1Ki"), (67_108_864, "64Mi"), (1025, "1025")]
            as [(Int64, String)]
    )
    func textIsExact(_ bytes: Int64, _ text: String) throws {
        #expect(Quantity.text(bytes) == text)
        #expect(try Quantity.bytes(text, expected: "") == bytes)
    }
}

@Suite struct DurationTextTests {
    @Test(
        arguments: [
            ("0s", 0), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("2d", 172_800), ("1d1s", 86_401),
        ] as [(String, Int64)]
    )
    func takesTimesWithUnits(_ text: String, _ seconds: Int64) {
        #expect(DurationText.seconds(text) == seconds)
    }

    @Test(arguments: [
        "", "90", "s", "1m1h", "1s1s", "-1s", "1.5h", "1 h", "1H", "1h ", "1:30", "1ms",
        "1000000000000d",
    ])
    func refusesEverythingElse(_ text: String) {
        #expect(DurationText.seconds(text) == nil)
    }

    @Test(arguments: [(0, "0s"), (90, "90s"), (3600, "1h"), (604_800, "7d")] as [(Int64, String)])
    func textIsShort(_ seconds: Int64, _ text: String) {
        #expect(DurationText.text(seconds) == text)
    }
}
