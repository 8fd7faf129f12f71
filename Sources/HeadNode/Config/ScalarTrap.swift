// SPDX-License-Identifier: Apache-2.0

import Yams

/// A value that YAML reads as something else than what one sees: `no` is false, `010` is eight.
struct ScalarTrap {
    let what: String
    let remedy: String

    /// nil when the value is what it looks like.
    init?(
        _ scalar: Node.Scalar,
        of tag: Tag,
        for key: ConfigKey
    ) {
        let shown = ConfigValues.shown(scalar.string)
        let isPlain = scalar.style == .plain
        let write = "Write \(key.expected)."
        func isTag(_ name: Tag.Name) -> Bool { tag == Tag(name) }
        if isTag(.null) {
            what = "\(key.path) has no value"
            remedy = "Write \(key.expected), or delete the line."
        } else if !tag.rawValue.utf8.starts(with: "tag:yaml.org,2002:".utf8) {
            what = "\(key.path) has the tag \(ConfigValues.shown(tag.rawValue))"
            remedy = "Write the value without a tag."
        } else if key.kind == .flag || key.kind == .count {
            guard !isPlain else { return nil }
            what = "\(key.path) is a text here"
            remedy = "Write \(key.expected), without quotes."
        } else if !isPlain {
            return nil
        } else if isTag(.bool) {
            what = "\(shown) without quotes is true or false to YAML"
            remedy = key.kind == .text ? "Write \"\(shown)\", with quotes, if it is meant." : write
        } else if key.kind == .text, isTag(.int) || isTag(.float) || isTag(.timestamp) {
            what = "\(shown) without quotes is a number or a date to YAML"
            remedy = "Write \"\(shown)\", with quotes, if it is meant."
        } else if isTag(.int), scalar.string.utf8.count > 1, scalar.string.utf8.first == 0x30 {
            what = "\(shown) with a leading zero is octal to YAML"
            remedy = "Write it without the zero."
        } else {
            return nil
        }
    }
}
