// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials

/// What the parameters of a destination say in the words of our configuration. Pure.
///
/// A parameter is called as Galaxy's Kubernetes runner calls it, which is a key of the section
/// `kubernetes`, or as our key with its section. What is neither is somebody else's: Galaxy's own, or
/// a rule's.
struct DestinationParameters {
    private(set) var entries: [ConfigEntry] = []
    private(set) var problems: [ConfigProblem] = []
    /// What has no effect and was probably meant to.
    private(set) var remarks: [String] = []

    /// Sections and keys that concern the head as a whole: runs share them.
    private static let ofTheHead: Set<String> = [
        "s3", "metrics", "link", "instance", "executor", "staging.jobs", "local.state_directory",
        "local.worker", "kubernetes.k8s_config_path", "kubernetes.context",
        "kubernetes.k8s_use_service_account", "kubernetes.k8s_namespace",
        "kubernetes.k8s_galaxy_instance_id",
    ]

    init() {}

    init(_ destination: Destination) {
        for name in destination.parameters.keys.sorted() {
            guard let value = destination.parameters[name], value != .null else { continue }
            read(name, value, .destination(destination.name, parameter: name))
        }
    }

    /// Takes one more parameter.
    mutating func read(
        _ name: String,
        _ value: ParameterValue,
        _ origin: ConfigEntry.Origin
    ) {
        guard let key = Self.key(name) else { return readUnknown(name, origin) }
        if Self.isOfTheHead(key) {
            problems.append(
                ConfigProblem(
                    at: origin,
                    what:
                        "\(key.path) holds for galaxy-head-node as a whole, not for a destination",
                    remedy:
                        "Delete the parameter; set \(key.path) in the block \(ConfigSchema.block)."
                )
            )
        } else if let text = value.text(for: key) {
            entries.append(ConfigEntry(path: key.path, text: text, origin: origin))
        } else {
            problems.append(
                ConfigProblem(
                    at: origin,
                    what: "\(key.path) takes one value",
                    remedy: "Write \(key.expected)."
                )
            )
        }
    }

    /// The key that a parameter sets; nil where it is somebody else's.
    static func key(_ name: String) -> ConfigKey? {
        let paths = name.utf8.contains(UInt8(ascii: ".")) ? [name] : ["kubernetes.\(name)", name]
        return paths.lazy.compactMap { ConfigSchema.key(at: $0) }.first
    }

    private mutating func readUnknown(
        _ name: String,
        _ origin: ConfigEntry.Origin
    ) {
        if let ignored = IgnoredKey.at("kubernetes.\(name)") {
            remarks.append(ignored.warning(at: origin).line)
            return
        }
        // With a section it can only be meant for us.
        if name.utf8.contains(UInt8(ascii: ".")) {
            let (what, remedy) = UnknownKey(name).explanation
            problems.append(ConfigProblem(at: origin, what: what, remedy: remedy))
            return
        }
        let names = ConfigSchema.names(below: "kubernetes")
        if let near = EditDistance.nearest(to: name, in: names) {
            remarks.append("\(origin) has no effect; did you mean \(near)?")
        }
    }

    /// Whether a key holds for the head as a whole.
    static func isOfTheHead(_ key: ConfigKey) -> Bool {
        ofTheHead.contains(key.path) || key.components.first.map(ofTheHead.contains) == true
    }
}

extension ParameterValue {
    /// As one would write it in the configuration; nil where the key takes no such value.
    func text(for key: ConfigKey) -> String? {
        switch self {
        case .null: nil
        case .flag(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): Int64(exactly: value).map { "\($0)" } ?? "\(value)"
        case .text(let text): key.kind == .flag ? Self.word(for: text) : text
        case .list(let values): key.kind == .list ? values.joined : json
        case .map(let pairs): key.kind == .list ? Self.joined(pairs) : json
        }
    }

    /// As the configuration takes a map in place of a list: names and texts, with commas.
    private static func joined(_ pairs: [String: ParameterValue]) -> String? {
        pairs.sorted { $0.key < $1.key }
            .map { name, value -> ParameterValue in
                if case .text(let text) = value { return .text("\(name)=\(text)") }
                return .null
            }
            .joined
    }

    /// As Galaxy reads a word for yes and no (`galaxy.util.asbool`): Python writes `True`, and XML has
    /// texts with whatever stands around them.
    static func word(for text: String) -> String {
        let spaces = " \t\r\n".utf8
        var folded = text.utf8.map(\.asciiLowercase)[...]
        while let byte = folded.first, spaces.contains(byte) { folded.removeFirst() }
        while let byte = folded.last, spaces.contains(byte) { folded.removeLast() }
        let isTrue = ["true", "yes", "on", "y", "t", "1"].contains { folded.elementsEqual($0.utf8) }
        let isFalse = ["false", "no", "off", "n", "f", "0"]
            .contains { folded.elementsEqual($0.utf8) }
        return isTrue ? "true" : isFalse ? "false" : text
    }

    /// JSON is YAML too, for keys that take a structure; others say what is wrong with it.
    private var json: String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension [ParameterValue] {
    /// A plain list, with commas.
    fileprivate var joined: String? {
        var texts: [String] = []
        for value in self {
            switch value {
            case .text(let text): texts.append(text)
            case .integer(let number): texts.append("\(number)")
            default: return nil
            }
        }
        return texts.joined(separator: ",")
    }
}
