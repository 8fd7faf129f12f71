// SPDX-License-Identifier: Apache-2.0

/// One line of a pod's log as the API server sends it with its time.
struct PodLine {
    /// RFC 3339 with nanoseconds, in UTC.
    let time: String
    let text: ArraySlice<UInt8>

    /// nil for a line without a time, as servers write when the log itself is in trouble.
    init?(_ line: ArraySlice<UInt8>) {
        guard let blank = line.firstIndex(of: UInt8(ascii: " ")),
            (20...40).contains(blank - line.startIndex),
            line.first.map({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) == true
        else { return nil }
        time = String(decoding: line[..<blank], as: UTF8.self)
        text = line[(blank + 1)...]
    }
}
