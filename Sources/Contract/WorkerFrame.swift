// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Names

/// One line of the worker's standard output: live output of the tool, or progress.
///
/// Lines are JSON and stay below 16 KiB, where container runtimes cut. Anything else on the
/// stream is not ours and is skipped.
package enum WorkerFrame: Sendable, Equatable {
    package enum Stream: String, Codable, Sendable {
        case stdout
        case stderr
    }

    /// Bytes of the tool's stream that begin at `offset`; they may come twice, never out of place.
    case output(stream: Stream, offset: Int64, bytes: [UInt8])
    /// A phase has moved this far; totals may grow.
    case progress(phase: String, bytes: Int64, totalBytes: Int64, files: Int, totalFiles: Int)
    /// A line for people; it is cut after `largestNote` bytes.
    case note(String)
    /// The bucket has a result of the run: whoever reads this need not wait for the pod's end.
    case resultStored

    /// The most bytes of output in one frame.
    package static let largestChunk = 8 << 10
    /// The most bytes of a note; JSON writes up to six for each.
    package static let largestNote = 2 << 10

    /// What a figure may be: nobody has moved more.
    private static let figures: ClosedRange<Int64> = 0...(1 << 60)
    /// The longest name of a phase, in bytes.
    static let longestPhase = 16

    private struct Line: Codable {
        var gs3: String
        var offset: Int64?
        var base64: String?
        var phase: String?
        var bytes: Int64?
        var totalBytes: Int64?
        var files: Int?
        var totalFiles: Int?
        var text: String?
    }

    /// The frame as one line, its newline included.
    package func line() throws(ContractError) -> [UInt8] {
        var line = Line(gs3: "")
        switch self {
        case .output(let stream, let offset, let bytes):
            line.gs3 = stream.rawValue
            line.offset = offset
            line.base64 = Base64.encode(bytes)
        case .progress(let phase, let bytes, let totalBytes, let files, let totalFiles):
            line.gs3 = "progress"
            line.phase = phase
            line.bytes = bytes
            line.totalBytes = totalBytes
            line.files = files
            line.totalFiles = totalFiles
        case .note(let text):
            line.gs3 = "note"
            line.text = String(decoding: text.utf8.prefix(Self.largestNote), as: UTF8.self)
        case .resultStored:
            line.gs3 = "result"
        }
        return try ContractCoding.encode(line) + [UInt8(ascii: "\n")]
    }

    /// Reads one line without its newline; nil if it is no frame that a worker writes.
    package init?(line bytes: some Collection<UInt8>) {
        guard bytes.first == UInt8(ascii: "{"),
            let line = try? JSONDecoder().decode(Line.self, from: Data(bytes))
        else { return nil }
        switch line.gs3 {
        case "stdout", "stderr":
            guard let stream = Stream(rawValue: line.gs3), let offset = line.offset,
                Self.figures.contains(offset), let text = line.base64,
                let bytes = Base64.decode(text)
            else { return nil }
            self = .output(stream: stream, offset: offset, bytes: bytes)
        case "progress":
            let figures = [
                line.bytes, line.totalBytes, line.files.map(Int64.init),
                line.totalFiles.map(Int64.init),
            ]
            let phase = line.phase ?? ""
            guard figures.allSatisfy({ Self.figures.contains($0 ?? 0) }),
                phase.utf8.count <= Self.longestPhase, phase.utf8.allSatisfy(Grammar.isLowerOrDigit)
            else { return nil }
            self = .progress(
                phase: phase,
                bytes: line.bytes ?? 0,
                totalBytes: line.totalBytes ?? 0,
                files: line.files ?? 0,
                totalFiles: line.totalFiles ?? 0
            )
        case "note":
            self = .note(line.text ?? "")
        case "result":
            self = .resultStored
        default:
            return nil
        }
    }
}
