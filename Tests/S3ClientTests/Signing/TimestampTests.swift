// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import S3Client

@Suite struct TimestampTests {
    @Test func `stamps agree with the system's calendar`() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            let seconds = Int64.random(in: -11_644_473_600...253_402_300_799, using: &generator)
            var time = time_t(seconds)
            var parts = tm()
            gmtime_r(&time, &parts)
            var buffer = [CChar](repeating: 0, count: 64)
            strftime(&buffer, buffer.count, "%Y%m%dT%H%M%SZ", &parts)
            let expected = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            let stamp = Timestamp(seconds: seconds)
            #expect(stamp.stamp.utf8.elementsEqual(expected))
            #expect(Timestamp(iso8601: stamp.text) == stamp)
        }
    }

    @Test func `dates of headers`() {
        let date = Timestamp(httpDate: "Wed, 21 Oct 2015 07:28:00 GMT")
        #expect(date == Timestamp(seconds: 1_445_412_480))
        for odd in [
            "", "now", "Wed, 21 Oct 2015 07:28:00 CET", "Wed, 21 Okt 2015 07:28:00 GMT",
            "Wed, 41 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 27:28:00 GMT", "1445412480",
            "Wed, 21 Oct 99999999999 07:28:00 GMT", "Wed, 21 Oct 2015 07:28 GMT",
        ] {
            #expect(Timestamp(httpDate: odd) == nil)
        }
    }

    @Test func `dates of documents`() {
        #expect(Timestamp(iso8601: "2013-05-24T00:00:00.000Z")?.seconds == 1_369_353_600)
        #expect(Timestamp(iso8601: "2013-05-24T00:00:00Z")?.seconds == 1_369_353_600)
        for odd in [
            "", "2013-05-24", "2013-05-24T00:00:00", "2013-05-24T00:00:00+02:00",
            "2013-13-24T00:00:00Z", "2013-05-24 00:00:00Z", "2013-05-24T00:00:00.Z",
            "20-305-24T00:00:00.000Z",
        ] {
            #expect(Timestamp(iso8601: odd) == nil)
        }
    }
}
