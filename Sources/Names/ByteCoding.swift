// SPDX-License-Identifier: Apache-2.0

/// How bytes travel in JSON: as a string where they are UTF-8, else as `{"base64": "…"}`.
///
/// Both forms are exact: JSON strings are compared by nobody, only turned back into bytes.
package enum ByteCoding {
    private enum Key: String, CodingKey { case base64 }

    /// Reads either form.
    package static func decode(from decoder: any Decoder) throws -> [UInt8] {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            return Array(text.utf8)
        }
        let container = try decoder.container(keyedBy: Key.self)
        let text = try container.decode(String.self, forKey: .base64)
        guard let bytes = Base64.decode(text) else {
            throw DecodingError.dataCorruptedError(
                forKey: .base64,
                in: container,
                debugDescription: "not base64"
            )
        }
        return bytes
    }

    /// Writes a string if the bytes are UTF-8, else the base64 form.
    package static func encode(_ bytes: [UInt8], to encoder: any Encoder) throws {
        if let text = String(validating: bytes, as: UTF8.self) {
            var container = encoder.singleValueContainer()
            try container.encode(text)
        } else {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(Base64.encode(bytes), forKey: .base64)
        }
    }
}

extension FilePath: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(ByteCoding.decode(from: decoder))
    }

    package func encode(to encoder: any Encoder) throws {
        try ByteCoding.encode(bytes, to: encoder)
    }
}

extension RelativePath: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(ByteCoding.decode(from: decoder))
    }

    package func encode(to encoder: any Encoder) throws {
        try ByteCoding.encode(bytes, to: encoder)
    }
}

extension ObjectKey: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(ByteCoding.decode(from: decoder))
    }

    package func encode(to encoder: any Encoder) throws {
        try ByteCoding.encode(bytes, to: encoder)
    }
}
