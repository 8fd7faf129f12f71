// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// A JSON document as a tree, for tests that look at what was written and not at what wrote it.
enum JSONTree: Decodable, Equatable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    case list([JSONTree])
    case fields([String: JSONTree])

    init(bytes: [UInt8]) throws {
        self = try JSONDecoder().decode(JSONTree.self, from: Data(bytes))
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let list = try? container.decode([JSONTree].self) {
            self = .list(list)
        } else {
            self = .fields(try container.decode([String: JSONTree].self))
        }
    }

    subscript(name: String) -> JSONTree? {
        guard case .fields(let fields) = self else { return nil }
        return fields[name]
    }

    /// A field of a field, and so on.
    subscript(path: String...) -> JSONTree? {
        path.reduce(Optional(self)) { $0?[$1] }
    }

    var list: [JSONTree] {
        guard case .list(let values) = self else { return [] }
        return values
    }

    var text: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }

    /// Every text in it, keys included.
    var allTexts: [String] {
        switch self {
        case .text(let text): [text]
        case .list(let values): values.flatMap(\.allTexts)
        case .fields(let fields): fields.keys.sorted() + fields.values.flatMap(\.allTexts)
        default: []
        }
    }
}
