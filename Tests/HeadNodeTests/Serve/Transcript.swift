// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport

/// A conversation as docs/protocol.md describes the files.
struct Transcript {
    enum Step: Equatable {
        /// The plugin writes this line.
        case said(String)
        /// The head writes this line.
        case heard(String)
        /// This happens to a job's run.
        case happens(job: String, what: String)
    }

    struct Line: Equatable {
        let number: Int
        let step: Step
    }

    let name: String
    let lines: [Line]

    static let folder: String = {
        let file = #filePath
        let cut = file.utf8.lastIndex(of: UInt8(ascii: "/")) ?? file.endIndex
        return String(file[..<cut]) + "/Transcripts"
    }()

    /// The names of all of them.
    static let names: [String] = {
        guard let folder = opendir(Self.folder) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".txt") { names.append(name) }
        }
        return names.sorted()
    }()

    init(_ name: String) throws {
        self.name = name
        let text = String(
            decoding: try ChildProcess.contents(of: "\(Self.folder)/\(name)"),
            as: UTF8.self
        )
        var lines: [Line] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let body = String(line.dropFirst(2))
            switch line.prefix(2) {
            case "> ": lines.append(Line(number: index + 1, step: .said(body)))
            case "< ": lines.append(Line(number: index + 1, step: .heard(body)))
            case "= ":
                let words = body.split(separator: " ", maxSplits: 1).map(String.init)
                guard words.count == 2 else { throw Malformed(line: index + 1) }
                let step = Step.happens(job: words[0], what: words[1])
                lines.append(Line(number: index + 1, step: step))
            default:
                guard line.isEmpty || line.hasPrefix("#") else { throw Malformed(line: index + 1) }
            }
        }
        self.lines = lines
    }

    struct Malformed: Error { let line: Int }
}
