// SPDX-License-Identifier: Apache-2.0

import Staging
import Testing

@testable import HeadNode

struct ProgressLineTests {
    private func line(
        _ bytes: Int64,
        of total: Int64,
        after seconds: Double
    ) -> String {
        var reading = PhaseMeter.Reading()
        reading.bytes = bytes
        reading.totalBytes = total
        reading.files = 1
        reading.totalFiles = 2
        return ProgressLine(phase: "push", reading: reading, seconds: seconds).text
    }

    @Test func rateAndRemainingTimeComeWhenTheyMeanSomething() {
        #expect(line(0, of: 2048, after: 0.1) == "push      0 B of 2.00 KiB  1 of 2 files")
        #expect(
            line(1 << 30, of: 3 << 30, after: 10)
                == "push      1.00 GiB of 3.00 GiB  1 of 2 files  102 MiB/s  21 s to go"
        )
        #expect(
            line(2048, of: 2048, after: 1) == "push      2.00 KiB of 2.00 KiB  1 of 2 files"
                + "  2.00 KiB/s"
        )
    }

    /// Invariant of every figure that comes from elsewhere: it may be odd, and ends nothing.
    @Test(arguments: [Int64.min, -1, 0, 1, 1 << 60, .max])
    func noFigureIsTooOdd(_ bytes: Int64) {
        for total in [0, 1, Int64(1) << 60] {
            for seconds in [0, 0.3, 1e12] {
                #expect(line(max(bytes, 0) >> 2, of: total, after: seconds).hasPrefix("push"))
            }
        }
        #expect(!ByteCount.text(bytes).isEmpty)
        for value in [Double(bytes), 1e306, -1e306, .infinity] {
            #expect(!Decimals.text(value, 3).isEmpty)
            #expect(value.toTheMillisecond.isFinite)
        }
    }

    @Test(arguments: [
        (0, "0 B"), (999, "999 B"), (1000, "0.98 KiB"), (1024, "1.00 KiB"), (10_240, "10.0 KiB"),
        (1_048_576, "1.00 MiB"), (1_047_552, "1.00 MiB"), (Int64.max, "8192 PiB"),
    ])
    func bytesHaveThreeDigitsAndAUnit(_ bytes: Int64, _ text: String) {
        #expect(ByteCount.text(bytes) == text)
    }
}
