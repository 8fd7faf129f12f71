// SPDX-License-Identifier: Apache-2.0

import Contract

/// How a run ended, for programs: the head's notes have names of their own.
struct EndingLine: Encodable {
    private let ending: RunEnding

    private enum CodingKeys: String, CodingKey {
        case state
        case exitCode = "exit_code"
        case message
        case phases
        case refused
        case cpuSeconds = "cpu_seconds"
        case peakResidentBytes = "peak_resident_bytes"
    }

    init(_ ending: RunEnding) { self.ending = ending }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(ending.state, forKey: .state)
        try fields.encodeIfPresent(ending.exitCode, forKey: .exitCode)
        try fields.encode(ending.message, forKey: .message)
        try fields.encode(ending.phases, forKey: .phases)
        try fields.encode(ending.refused, forKey: .refused)
        try fields.encode(ending.cpuSeconds, forKey: .cpuSeconds)
        try fields.encode(ending.peakResidentBytes, forKey: .peakResidentBytes)
    }
}
