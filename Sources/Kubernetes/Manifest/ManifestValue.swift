// SPDX-License-Identifier: Apache-2.0

/// A part of a manifest that is passed on as it was written, once it has been checked.
package indirect enum ManifestValue: Encodable, Sendable, Hashable {
    case text(String)
    case integer(Int64)
    case list([ManifestValue])
    case fields([String: ManifestValue])

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .integer(let number): try container.encode(number)
        case .list(let values): try container.encode(values)
        case .fields(let fields): try container.encode(fields)
        }
    }

    /// The value of a field; nil where there is none.
    package subscript(name: String) -> ManifestValue? {
        guard case .fields(let fields) = self else { return nil }
        return fields[name]
    }

    /// The text, if it is one.
    package var text: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }

    /// The number, if it is one.
    package var integer: Int64? {
        guard case .integer(let number) = self else { return nil }
        return number
    }

    /// The elements, if it is a list.
    package var list: [ManifestValue]? {
        guard case .list(let values) = self else { return nil }
        return values
    }
}
