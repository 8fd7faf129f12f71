// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials
import Yams

/// A place in a kubeconfig file, whether anything stands there or not.
///
/// It knows its file, key path and line, so that every complaint does. Keys that we do not know are
/// left alone: other clients have theirs in the same file.
struct KubeconfigValue {
    /// As it was given, for messages and as where relative paths begin.
    let file: String
    /// Such as `users[2].user.exec.command`; empty for the whole file.
    let path: String
    /// nil where nothing stands, or null.
    let node: Node?

    init(_ node: Node?, at path: String, in file: String) {
        self.file = file
        self.path = path
        // An explicit null is as good as nothing.
        self.node = node?.scalar.map { Self.isNull($0) } == true ? nil : node
    }

    var exists: Bool { node != nil }

    /// What stands at `key` below.
    subscript(key: String) -> KubeconfigValue {
        get throws(KubernetesError) {
            let path = self.path.isEmpty ? key : "\(self.path).\(key)"
            guard let node else { return KubeconfigValue(nil, at: path, in: file) }
            guard let mapping = node.mapping else { throw wrong("it must hold keys and values") }
            // Keys are compared by their bytes: canonical equivalence is not spelling.
            let pair = mapping.first {
                $0.key.scalar?.string.utf8.elementsEqual(key.utf8) == true
            }
            return KubeconfigValue(pair?.value, at: path, in: file)
        }
    }

    /// The elements of a list; none where nothing stands.
    func elements() throws(KubernetesError) -> [KubeconfigValue] {
        guard let node else { return [] }
        guard let sequence = node.sequence else { throw wrong("it must be a list") }
        return sequence.enumerated()
            .map { KubeconfigValue($0.element, at: "\(path)[\($0.offset)]", in: file) }
    }

    /// The text that stands here; nil for none, and for an empty one.
    func text() throws(KubernetesError) -> String? {
        guard let node else { return nil }
        guard let scalar = node.scalar else { throw wrong("it must be a text") }
        return scalar.string.isEmpty ? nil : scalar.string
    }

    func required() throws(KubernetesError) -> String {
        guard let text = try text() else { throw wrong("it is missing") }
        return text
    }

    func flag() throws(KubernetesError) -> Bool {
        switch try text() {
        case nil, "false", "False", "FALSE": return false
        case "true", "True", "TRUE": return true
        default: throw wrong("it must be true or false")
        }
    }

    /// The bytes that stand here in base64; nil for none.
    func bytes() throws(KubernetesError) -> [UInt8]? {
        guard let text = try text() else { return nil }
        let digits = text.utf8.filter { !($0 == 0x20 || (0x09...0x0d).contains($0)) }
        guard let data = Data(base64Encoded: Data(digits)), !data.isEmpty else {
            throw wrong("it must be base64")
        }
        return Array(data)
    }

    /// The path of a file that is named here, beginning at the kubeconfig's own folder.
    func filePath() throws(KubernetesError) -> String? { try text().map(resolved) }

    /// `name` seen from the kubeconfig's own folder.
    func resolved(_ name: String) -> String {
        if name.utf8.first == UInt8(ascii: "/") { return name }
        guard let slash = file.utf8.lastIndex(of: UInt8(ascii: "/")) else { return name }
        return file[...slash] + name
    }

    /// The content of the file that is named here; nil for none.
    func fileContent() throws(KubernetesError) -> [UInt8]? {
        guard let path = try filePath() else { return nil }
        do throws(LimitedFile.Failure) { return try LimitedFile.read(path) } catch {
            throw wrong("\(path.logSafe) cannot be read: \(error.words)")
        }
    }

    /// The entry below that has `name`, in a list of named entries.
    func named(_ name: String) throws(KubernetesError) -> KubeconfigValue {
        var found: [KubeconfigValue] = []
        var names: [String] = []
        for element in try elements() {
            let own = try element["name"].required()
            names.append("\"\(own.logSafe)\"")
            if own.utf8.elementsEqual(name.utf8) { found.append(element) }
        }
        guard let first = found.first else {
            let there =
                names.isEmpty ? "there is none" : "there is " + names.joined(separator: ", ")
            throw wrong("\"\(name.logSafe)\" is not in it; \(there)")
        }
        guard found.count == 1 else { throw wrong("\"\(name.logSafe)\" is in it twice") }
        return first
    }

    /// The error that says what is wrong here, and where that is. Never pass what stands here: it may
    /// be a secret.
    func wrong(_ what: String, remedy: String = "Correct it there.") -> KubernetesError {
        let line = node?.mark.map { " (line \($0.line))" } ?? ""
        return KubernetesError(
            .configuration,
            what: "The kubeconfig cannot be used: \(what)",
            place: file.logSafe + (path.isEmpty ? "" : ": \(path)") + line,
            remedy: remedy
        )
    }

    private static func isNull(_ scalar: Node.Scalar) -> Bool {
        scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }
}
