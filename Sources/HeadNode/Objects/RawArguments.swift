// SPDX-License-Identifier: Apache-2.0

import Names

/// The bytes of this program's arguments as it was given them.
///
/// An argument that is not UTF-8 reaches a parser of `String`s damaged; file names and keys must
/// not be.
enum RawArguments {
    /// The replacement character (U+FFFD) that stands where bytes were lost.
    private static let damage: [UInt8] = [0xEF, 0xBF, 0xBD]

    /// The bytes that `text` was made from.
    static func bytes(of text: String) -> [UInt8] {
        bytes(of: text, among: arguments)
    }

    /// The same, among given arguments.
    static func bytes(of text: String, among arguments: [[UInt8]]) -> [UInt8] {
        let own = Array(text.utf8)
        let isDamaged = own.indices.contains { own[$0...].starts(with: damage) }
        guard isDamaged else { return own }
        return arguments.first { Array(String(decoding: $0, as: UTF8.self).utf8) == own } ?? own
    }

    private static var arguments: [[UInt8]] {
        let all = try? SmallFile.read(bytes: Array("/proc/self/cmdline".utf8), limit: 4 << 20)
        return (all ?? []).split(separator: 0).map(Array.init)
    }
}
