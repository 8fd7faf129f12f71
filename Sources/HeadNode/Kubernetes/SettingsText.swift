// SPDX-License-Identifier: Apache-2.0

import Kubernetes
import Names
import Staging

/// How values of the section `kubernetes` are made of text, or of what has been checked.
extension TextRule {
    /// The text, if it is one of these.
    func value(_ text: String) throws(BadValue) -> String {
        guard case .text(let text) = try FieldRule.text(self).check(.text(text)) else {
            preconditionFailure("a rule for texts gives a text")
        }
        return text
    }
}

extension ManifestValue {
    /// The texts of a map.
    var texts: [String: String] {
        guard case .fields(let fields) = self else { return [:] }
        return fields.compactMapValues(\.text)
    }
}

extension NamedText {
    /// A map's names and texts, in the order of the names.
    static func list(_ value: ManifestValue) throws(BadValue) -> [NamedText] {
        value.texts.sorted { $0.key < $1.key }.map { NamedText(name: $0.key, value: $0.value) }
    }
}

extension Toleration {
    /// - Parameter value: what `PodFields.tolerations` has checked.
    init(checked value: ManifestValue) {
        self.init(
            key: value["key"]?.text,
            operator: value["operator"]?.text,
            value: value["value"]?.text,
            effect: value["effect"]?.text,
            tolerationSeconds: value["tolerationSeconds"]?.integer
        )
    }
}

extension SecretVariable {
    /// Reads `NAME=SECRET/KEY`.
    static func read(_ text: String) throws(BadValue) -> SecretVariable {
        let (name, place) = text.cut(at: UInt8(ascii: "="))
        let (secret, key) = (place ?? "").cut(at: UInt8(ascii: "/"))
        guard let key else {
            throw BadValue(
                why: "\"\(ConfigValues.shown(text))\" is not allowed",
                remedy: "Write NAME=SECRET/KEY."
            )
        }
        let variable = SecretVariable(
            name: try KubernetesGrammar.environmentName.value(name),
            secret: try KubernetesGrammar.subdomain.value(secret),
            key: try KubernetesGrammar.secretKey.value(key)
        )
        if let problem = VariableNames.problem(name) { throw problem }
        return variable
    }
}

extension RegistryMirrors.Rule {
    /// Reads `REGISTRY=MIRROR`, each a registry or a part of one.
    static func read(_ text: String) throws(BadValue) -> RegistryMirrors.Rule {
        let (from, to) = text.cut(at: UInt8(ascii: "="))
        guard let to, let source = ImageName(registry: from), let target = ImageName(registry: to)
        else {
            throw BadValue(
                why: "\"\(ConfigValues.shown(text))\" is not allowed",
                remedy: "Write REGISTRY=MIRROR, such as docker.io=mirror.example.org/docker."
            )
        }
        return RegistryMirrors.Rule(source: source, target: target)
    }
}

extension ClaimMount {
    /// Reads `CLAIM[/FOLDER]:/PATH[:r]`, as Galaxy's own runner does.
    static func read(_ text: String) throws(BadValue) -> ClaimMount {
        func refuse(_ why: String) -> BadValue {
            BadValue(
                why: "\"\(ConfigValues.shown(text))\" is not allowed: \(why)",
                remedy: "Write CLAIM:/PATH, CLAIM/FOLDER:/PATH or …:r for reading only."
            )
        }
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 2 || parts.count == 3 && parts[2] == "r" else {
            throw refuse("there is no path, or something else than r behind it")
        }
        let (claim, folder) = parts[0].cut(at: UInt8(ascii: "/"))
        guard KubernetesGrammar.isSubdomain(Array(claim.utf8)) else {
            throw refuse("\(ConfigValues.shown(claim)) is no name of a claim")
        }
        if let folder, (try? RelativePath(folder)) == nil {
            throw refuse("the folder is not a plain path")
        }
        let path = try ConfigValues.path(parts[1])
        let reserved = VolumeLayout.reserved + ["/tmp"]
        guard RootPlan.isAllowed(path),
            !reserved.contains(where: { (try? FilePath($0)).map(path.overlaps) ?? true })
        else { throw refuse("a container needs its own \(path)") }
        return ClaimMount(
            claim: claim,
            folder: folder,
            path: path,
            isReadOnly: parts.count == 3
        )
    }
}

extension String {
    /// What is before the first `mark`, and what is after it; nil where there is none.
    fileprivate func cut(at mark: UInt8) -> (String, String?) {
        guard let index = utf8.firstIndex(of: mark) else { return (self, nil) }
        return (String(self[..<index]), String(self[utf8.index(after: index)...]))
    }
}
