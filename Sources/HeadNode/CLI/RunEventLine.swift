// SPDX-License-Identifier: Apache-2.0

import Contract
import FoundationEssentials
import Names
import Staging

/// One event as one JSON object, for programs.
struct RunEventLine: Encodable {
    private var event: String
    private var run: RunID?
    private var isResumed: Bool?
    private var phase: String?
    private var bytes: Int64?
    private var totalBytes: Int64?
    private var files: Int?
    private var totalFiles: Int?
    private var report: PhaseReport?
    private var alreadyThere: Int?
    private var attempt: Int?
    private var text: String?
    private var stream: String?
    private var base64: String?
    private var ending: EndingLine?

    enum CodingKeys: String, CodingKey {
        case event
        case run
        case isResumed = "resumed"
        case phase
        case bytes
        case totalBytes = "total_bytes"
        case files
        case totalFiles = "total_files"
        case report
        case alreadyThere = "already_there"
        case attempt = "try"
        case text
        case stream
        case base64
        case ending
    }

    init(_ event: RunEvent) {
        self.event = "note"
        switch event {
        case .began(let run, let isResumed):
            self.event = "began"
            self.run = run
            self.isResumed = isResumed
        case .phaseBegan(let phase):
            self.event = "phase_began"
            self.phase = phase
        case .progress(let phase, let reading):
            self.event = "progress"
            self.phase = phase
            bytes = reading.bytes
            totalBytes = reading.totalBytes
            files = reading.files
            totalFiles = reading.totalFiles
        case .phaseEnded(let report, let alreadyThere):
            self.event = "phase_ended"
            self.report = report
            self.alreadyThere = alreadyThere
        case .submitted(let id):
            self.event = "submitted"
            attempt = id.number
        case .waiting(let id, let why):
            self.event = "waiting"
            attempt = id.number
            text = why
        case .running(let id, let node):
            self.event = "running"
            attempt = id.number
            text = node
        case .tryEnded(let id, let text, _):
            self.event = "try_ended"
            attempt = id.number
            self.text = text
        case .output(let stream, let bytes):
            self.event = "output"
            self.stream = stream.rawValue
            base64 = Base64.encode(bytes)
        case .note(let text), .trouble(let text): self.text = text
        case .ended(let run, let ending):
            self.event = "ended"
            self.run = run
            self.ending = EndingLine(ending)
        }
    }

    /// The object as one line.
    func line() throws(ContractError) -> String {
        String(decoding: try ContractCoding.encode(self), as: UTF8.self)
    }

    func write() {
        guard let line = try? line() else { return }
        Console.out(line)
    }
}
