// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import FoundationEssentials
import Names

/// How the contract's documents become bytes: JSON with sorted keys, so that equal values give
/// equal bytes and a document can be named by its SHA-256.
package enum ContractCoding {
    /// The largest document taken, in bytes; a spec of 100,000 files has about 30 MiB.
    package static let largestDocument = 256 << 20

    /// The document's bytes.
    package static func encode(_ value: some Encodable) throws(ContractError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            throw ContractError(.malformed, what: "Cannot write a document", cause: error)
        }
    }

    /// Reads a document.
    ///
    /// - Parameter name: what the document is, for messages: `spec`, `report`.
    package static func decode<Value: VersionedDocument>(
        _ type: Value.Type,
        from bytes: [UInt8],
        name: String
    ) throws(ContractError) -> Value {
        let version = try version(of: bytes, name: name)
        guard version == Value.currentVersion else {
            throw ContractError(
                .version,
                what: "The \(name) has version \(version), this program speaks version "
                    + "\(Value.currentVersion)",
                remedy: "Use the same release of galaxy-head-node and galaxy-worker-exec."
            )
        }
        let value: Value
        do {
            value = try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            throw malformed(name, error)
        }
        if let problem = value.problem {
            throw ContractError(.malformed, what: "The \(name) cannot be used: \(problem)")
        }
        return value
    }

    /// What version of a document of ours this is; throws `.malformed` for what is none.
    package static func version(of bytes: [UInt8], name: String) throws(ContractError) -> Int {
        do {
            return try JSONDecoder().decode(VersionOnly.self, from: Data(bytes)).version
        } catch {
            throw malformed(name, error)
        }
    }

    private struct VersionOnly: Decodable { var version: Int }

    private static func malformed(
        _ name: String,
        _ error: any Error
    ) -> ContractError {
        ContractError(
            .malformed,
            what: "The \(name) cannot be read: \(JSONProblem.text(for: error))",
            remedy: JSONProblem.remedy(for: error)
        )
    }
}

/// A document that says its version first.
package protocol VersionedDocument: Codable, Sendable {
    static var currentVersion: Int { get }
    var version: Int { get }
    /// What no writer of ours puts in such a document, such as a negative size; nil if all is well.
    var problem: String? { get }
}

extension VersionedDocument {
    package var problem: String? { nil }
}

/// What is wrong with a JSON document, in one line.
package enum JSONProblem {
    /// The place in the document and the complaint.
    package static func text(for error: any Error) -> String {
        guard let error = error as? DecodingError else { return reason(error) }
        switch error {
        case .keyNotFound(let key, let context):
            return "\"\(key.stringValue)\" is missing\(place(context))"
        case .valueNotFound(_, let context):
            return "a value is missing\(place(context))"
        case .typeMismatch(let type, let context):
            return "expected \(words(for: type))\(place(context))"
        case .dataCorrupted(let context):
            // Foundation's own complaint: it is the same for a number that does not fit, and tells
            // neither line nor column.
            if context.debugDescription == "The given data was not valid JSON." {
                return "it is not valid JSON, or a number in it does not fit" + place(context)
            }
            return (context.underlyingError.map(reason) ?? context.debugDescription)
                + place(context)
        @unknown default:
            return "\(error)"
        }
    }

    /// What to do about it, where the reason says so; else empty.
    package static func remedy(for error: any Error) -> String {
        var reason = error
        if case .dataCorrupted(let context) = error as? DecodingError,
            let underlying = context.underlyingError
        {
            reason = underlying
        }
        return (reason as? any ExplainedError)?.firstRemedy ?? ""
    }

    private static func reason(_ error: any Error) -> String {
        (error as? any ExplainedError)?.headline ?? "\(error)"
    }

    /// What a value of `type` is called in JSON.
    private static func words(for type: any Any.Type) -> String {
        switch type {
        case is [Any].Type: "a list"
        case is [String: Any].Type: "an object"
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is any Numeric.Type: "a number"
        default: "another kind of value"
        }
    }

    private static func place(_ context: DecodingError.Context) -> String {
        guard !context.codingPath.isEmpty else { return "" }
        var path = ""
        for key in context.codingPath {
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += (path.isEmpty ? "" : ".") + key.stringValue
            }
        }
        return " at " + path
    }
}
