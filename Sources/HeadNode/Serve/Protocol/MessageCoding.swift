// SPDX-License-Identifier: Apache-2.0

import Contract
import FoundationEssentials
import Names

/// Writes lines for the plugin: JSON with sorted keys, on one line, never longer than the limit.
enum MessageCoding {
    /// The longest text of any field, in bytes: all of them fit in a line, however they are escaped.
    static let longestText = 32 << 10

    static func encode(_ message: ServeMessage) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Every value below is text, a whole number or a finite one.
        guard let data = try? encoder.encode(Line(message)) else {
            preconditionFailure("a message of our own cannot be written as JSON")
        }
        return Array(data)
    }

    /// `text`, cut if it is too long.
    static func fit(_ text: String) -> String {
        guard text.utf8.count > longestText else { return text }
        var bytes = Array(text.utf8.prefix(longestText))
        // Not in the middle of a character (RFC 3629, section 3).
        while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
        if let last = bytes.last, last >= 0xC0 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self) + " …"
    }
}

private struct Line: Encodable {
    let message: ServeMessage

    init(_ message: ServeMessage) { self.message = message }

    private enum Key: String, CodingKey {
        case id
        case result
        case error
        case event
        case job
        case run
        case reason
        case text
        case message
        case code
    }

    private struct Failure: Encodable {
        var code: String
        var message: String
        var retryable: Bool

        init(_ refusal: Refusal) {
            code = refusal.code
            message = MessageCoding.fit(refusal.message)
            retryable = refusal.isRetryable
        }
    }

    /// The fields of both, in one object.
    private struct Joined: Encodable {
        var facts: RunFacts
        var end: EndFacts?

        func encode(to encoder: any Encoder) throws {
            try facts.encode(to: encoder)
            try end?.encode(to: encoder)
        }
    }

    private struct Summary: Encodable { var jobs: [String: Int] }

    private struct Empty: Encodable {}

    func encode(to encoder: any Encoder) throws {
        var line = encoder.container(keyedBy: Key.self)
        switch message {
        case .answer(let id, let answer):
            try line.encode(id, forKey: .id)
            switch answer {
            case .hello(let facts): try line.encode(facts, forKey: .result)
            case .run(let facts): try line.encode(facts, forKey: .result)
            case .collected(let facts, let end):
                try line.encode(Joined(facts: facts, end: end), forKey: .result)
            case .summary(let jobs): try line.encode(Summary(jobs: jobs), forKey: .result)
            case .done: try line.encode(Empty(), forKey: .result)
            }
        case .refusal(let id, let refusal):
            try line.encode(id, forKey: .id)
            try line.encode(Failure(refusal), forKey: .error)
        case .event(.state(let facts, let end)):
            try line.encode("state", forKey: .event)
            try Joined(facts: facts, end: end).encode(to: encoder)
        case .event(.waiting(let job, let run, let reason)):
            try line.encode("waiting", forKey: .event)
            try line.encode(job, forKey: .job)
            try line.encode(run, forKey: .run)
            try line.encode(MessageCoding.fit(reason), forKey: .reason)
        case .event(.note(let job, let run, let text, _)):
            try line.encode("note", forKey: .event)
            try line.encodeIfPresent(job, forKey: .job)
            try line.encodeIfPresent(run, forKey: .run)
            try line.encode(MessageCoding.fit(text), forKey: .text)
        case .event(.error(let refusal)):
            try line.encode("error", forKey: .event)
            try line.encode(refusal.code, forKey: .code)
            try line.encode(MessageCoding.fit(refusal.message), forKey: .message)
        }
    }
}
