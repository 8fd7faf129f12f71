// SPDX-License-Identifier: Apache-2.0

/// How bytes travel in JSON: as a string where they are UTF-8, else as `{"base64": "…"}`.
///
/// Both forms are exact: JSON strings are compared by nobody, only turned back into bytes.
package enum ByteCoding {
    private enum Key: String, CodingKey { case base64 }

    /// Reads either form.
    package static func decode(from decoder: any Decoder) throws -> [UInt8] {
        let container: KeyedDecodingContainer<Key>
        do {
            return Array(try decoder.singleValueContainer().decode(String.self).utf8)
        } catch {
            // What is neither is called what it mostly is: not a string.
            guard let keyed = try? decoder.container(keyedBy: Key.self) else { throw error }
            container = keyed
        }
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

    /// Reads either form and makes a name of it; a refusal says where in the document it stands.
    static func decode<Name>(
        from decoder: any Decoder,
        _ make: ([UInt8]) throws(NameError) -> Name
    ) throws -> Name {
        let bytes = try decode(from: decoder)
        do throws(NameError) {
            return try make(bytes)
        } catch {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: error.what,
                    underlyingError: error
                )
            )
        }
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
        self = try ByteCoding.decode(from: decoder) { (bytes) throws(NameError) in
            try FilePath(bytes)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        try ByteCoding.encode(bytes, to: encoder)
    }
}

extension RelativePath: Codable {
    package init(from decoder: any Decoder) throws {
        self = try ByteCoding.decode(from: decoder) { (bytes) throws(NameError) in
            try RelativePath(bytes)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        try ByteCoding.encode(bytes, to: encoder)
    }
}

extension ObjectKey: Codable {
    package init(from decoder: any Decoder) throws {
        self = try ByteCoding.decode(from: decoder) { (bytes) throws(NameError) in
            try ObjectKey(bytes)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        try ByteCoding.encode(bytes, to: encoder)
    }
}
