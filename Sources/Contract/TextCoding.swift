// SPDX-License-Identifier: Apache-2.0

import Digests
import Names

/// A value whose JSON form is one string, refused unless it is spelled as the value spells itself.
private func decodeText<Value>(
    _ decoder: any Decoder,
    _ name: String,
    _ parse: (String) throws -> Value?
) throws -> Value {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    let parsed: Value?
    do {
        parsed = try parse(text)
    } catch {
        // So that the complaint comes with its place.
        throw DecodingError.dataCorrupted(
            DecodingError.Context(
                codingPath: decoder.codingPath,
                debugDescription: "not a \(name)",
                underlyingError: error
            )
        )
    }
    guard let value = parsed else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a \(name)")
    }
    return value
}

private func encodeText(
    _ text: String,
    to encoder: any Encoder
) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
}

extension RunID: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decodeText(decoder, "run") { try RunID($0) }
    }

    package func encode(to encoder: any Encoder) throws { try encodeText(description, to: encoder) }
}

extension AttemptID: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decodeText(decoder, "attempt") { try AttemptID($0) }
    }

    package func encode(to encoder: any Encoder) throws { try encodeText(description, to: encoder) }
}

extension InstanceName: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decodeText(decoder, "instance name") { try InstanceName($0) }
    }

    package func encode(to encoder: any Encoder) throws { try encodeText(description, to: encoder) }
}

extension KeyPrefix: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decodeText(decoder, "key prefix") { try KeyPrefix($0) }
    }

    package func encode(to encoder: any Encoder) throws { try encodeText(description, to: encoder) }
}

extension FileMode: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decodeText(decoder, "mode of three octal digits") { text in
            guard let bits = UInt32(text, radix: 8), FileMode(bits).description == text
            else { return nil }
            return FileMode(bits)
        }
    }

    package func encode(to encoder: any Encoder) throws { try encodeText(description, to: encoder) }
}

extension FileTime: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decodeText(decoder, "time") { FileTime($0) }
    }

    package func encode(to encoder: any Encoder) throws { try encodeText(description, to: encoder) }
}

extension CRC64NVME: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decodeText(decoder, "CRC64NVME of 16 hexadecimal digits") { CRC64NVME(hex: $0) }
    }

    package func encode(to encoder: any Encoder) throws { try encodeText(hex, to: encoder) }
}

extension SHA256Digest: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decodeText(decoder, "SHA-256 of 64 hexadecimal digits") { SHA256Digest(hex: $0) }
    }

    package func encode(to encoder: any Encoder) throws { try encodeText(hex, to: encoder) }
}
