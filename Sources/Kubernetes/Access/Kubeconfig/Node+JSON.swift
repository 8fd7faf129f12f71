// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Yams

extension Node {
    /// The same value as JSON; nil for what JSON cannot say.
    var json: String? {
        switch self {
        case .scalar(let scalar):
            if scalar.style != .plain { return Self.quoted(scalar.string) }
            if null != nil { return "null" }
            if let bool { return bool ? "true" : "false" }
            if let int { return String(int) }
            if let float { return float.isFinite ? String(float) : nil }
            return Self.quoted(scalar.string)
        case .sequence(let sequence):
            let elements = sequence.compactMap(\.json)
            guard elements.count == sequence.count else { return nil }
            return "[" + elements.joined(separator: ",") + "]"
        case .mapping(let mapping):
            let fields = mapping.compactMap { key, value -> String? in
                guard let name = key.scalar.flatMap({ Self.quoted($0.string) }) else { return nil }
                return value.json.map { "\(name):\($0)" }
            }
            guard fields.count == mapping.count else { return nil }
            return "{" + fields.joined(separator: ",") + "}"
        case .alias: return nil
        }
    }

    private static func quoted(_ text: String) -> String? {
        (try? JSONEncoder().encode(text)).map { String(decoding: $0, as: UTF8.self) }
    }
}
