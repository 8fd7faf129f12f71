// SPDX-License-Identifier: Apache-2.0

/// One key of the configuration: all that parsing, messages, the environment, flags and the
/// documentation say of it.
struct ConfigKey: Sendable {
    /// How a value is written.
    enum Kind: Sendable, Equatable {
        case text
        case choice([String])
        case flag
        case count
        case size
        case duration
        case path
        /// Several values, joined by commas.
        case list
        /// A value that is itself YAML.
        case structure
    }

    /// With dots, such as `s3.bucket`.
    let path: String
    let kind: Kind
    /// What a value must be, as a message says it: "a size from 0 to 1Gi, such as 256Ki".
    let expected: String
    /// As one would write it; nil when the key has none.
    let fallback: String?
    /// What stands in for a key without a default, in a few words.
    let absent: String
    /// One line for the documentation.
    let doc: String

    /// The keys from the block down.
    var components: [String] {
        path.utf8.split(separator: UInt8(ascii: ".")).map { String(decoding: $0, as: UTF8.self) }
    }

    /// `GALAXY_S3_EXECUTOR_S3_BUCKET`.
    var environmentName: String { Self.environmentName(of: path) }

    static func environmentName(of path: String) -> String {
        let dot = UInt8(ascii: ".")
        let name = path.utf8.map { $0 == dot ? UInt8(ascii: "_") : $0.asciiUppercase }
        return ConfigSchema.environmentPrefix + String(decoding: name, as: UTF8.self)
    }

    /// The default, or what happens without one.
    var fallbackText: String { fallback ?? absent }
}

/// A key and how its text becomes a value.
struct TypedKey<Value: Sendable>: Sendable {
    let key: ConfigKey
    /// The value that the text spells; nil when it spells none.
    let parse: @Sendable (String) throws(BadValue) -> Value
}

/// Why a text is not a value: what is wrong, and what to write.
struct BadValue: Error, Equatable {
    let why: String
    let remedy: String
}
