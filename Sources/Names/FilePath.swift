// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// An absolute path as Linux sees it: bytes, not text.
///
/// Names that a tool leaves need not be UTF-8, and Swift's `String` compares canonically
/// equivalent names as one and hides `../` behind a combining character, so no decision about a
/// path is ever made on text. A value is normal: it begins with `/`, has no empty, `.` or `..`
/// component, no NUL, and no `/` at its end (the root alone is `/`).
package struct FilePath: ByteNamed, Hashable, Sendable {
    /// The longest path Linux takes, less the closing NUL (PATH_MAX, limits.h).
    package static let longest = 4095
    /// The longest component Linux takes (NAME_MAX, limits.h).
    package static let longestComponent = 255

    package let bytes: [UInt8]

    /// The root directory.
    package static let root = FilePath(unchecked: [slash])

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// Takes a path only if it is normal already.
    ///
    /// - Throws: `NameError` that says what is wrong with it.
    package init(_ bytes: some Sequence<UInt8>) throws(NameError) {
        let bytes = Array(bytes)
        func refuse(_ reason: String) -> NameError { .path(bytes, reason) }
        guard bytes.first == Self.slash else { throw NameError.notAbsolute(bytes) }
        if let problem = Self.problem(withLength: bytes.count) { throw refuse(problem) }
        if bytes.count > 1, let problem = Self.problem(withNamesOf: bytes, from: 1) {
            throw refuse(problem)
        }
        self.bytes = bytes
    }

    /// Takes the path that `text` spells in UTF-8, only if it is normal already.
    package init(_ text: String) throws(NameError) { try self.init(text.utf8) }

    /// Takes any absolute path and drops what means nothing: doubled and closing slashes, `.`.
    ///
    /// `..` is refused, not resolved: what it means depends on links.
    package init(normalising bytes: some Sequence<UInt8>) throws(NameError) {
        let bytes = Array(bytes)
        guard bytes.first == Self.slash else { throw NameError.notAbsolute(bytes) }
        let components = bytes.split(separator: Self.slash).filter { $0 != [Self.dot] }
        try self.init([Self.slash] + components.joined(separator: [Self.slash]))
    }

    /// Why an absolute path cannot have `count` bytes, or nil if it can.
    static func problem(withLength count: Int) -> String? {
        count <= longest ? nil : "it has \(count) bytes, Linux takes \(longest)"
    }

    /// Why what is between the slashes of `bytes`, from `start` on, cannot be names, or nil if it can.
    static func problem(withNamesOf bytes: [UInt8], from start: Int) -> String? {
        bytes.withUnsafeBufferPointer { bytes in
            var first = start
            for index in start...bytes.count
            where index == bytes.count || bytes[index] == slash {
                if let problem = problem(with: bytes[first..<index]) { return problem }
                first = index + 1
            }
            return nil
        }
    }

    /// Why `component` cannot be one name in a directory, or nil if it can.
    private static func problem(with component: Slice<UnsafeBufferPointer<UInt8>>) -> String? {
        if component.isEmpty { return "it holds an empty component" }
        if component.count > longestComponent {
            return "a name in it has \(component.count) bytes, Linux takes \(longestComponent)"
        }
        if component.contains(0) { return "it holds a NUL" }
        if component.count <= 2, component.allSatisfy({ $0 == dot }) {
            return "it holds the name \".\" or \"..\""
        }
        return nil
    }

    /// The names from the root down.
    package var components: [ArraySlice<UInt8>] { bytes.split(separator: Self.slash) }

    /// The last name; empty for the root.
    package var lastComponent: ArraySlice<UInt8> { components.last ?? [] }

    /// The directory this is in; nil for the root.
    package var parent: FilePath? {
        guard bytes.count > 1, let cut = bytes.lastIndex(of: Self.slash) else { return nil }
        return cut == 0 ? .root : FilePath(unchecked: Array(bytes[..<cut]))
    }

    /// This path and one more name.
    package func appending(_ name: some Collection<UInt8>) throws(NameError) -> FilePath {
        guard !name.contains(Self.slash) else {
            throw NameError.path(Array(name), "a single name was expected")
        }
        return try FilePath((self == .root ? [] : bytes) + [Self.slash] + name)
    }

    /// This path and one more name.
    package func appending(_ name: String) throws(NameError) -> FilePath {
        try appending(Array(name.utf8))
    }

    /// This path and the path `relative` below it.
    package func appending(_ relative: RelativePath) throws(NameError) -> FilePath {
        try FilePath((self == .root ? [] : bytes) + [Self.slash] + relative.bytes)
    }

    /// Whether this is `ancestor` itself or lies below it, component by component.
    package func isAtOrBelow(_ ancestor: FilePath) -> Bool {
        if ancestor == .root || self == ancestor { return true }
        return bytes.count > ancestor.bytes.count && bytes.starts(with: ancestor.bytes)
            && bytes[ancestor.bytes.count] == Self.slash
    }

    /// What follows `ancestor` in this path; nil when this is not below it.
    package func relative(to ancestor: FilePath) -> RelativePath? {
        guard self != ancestor, isAtOrBelow(ancestor) else { return nil }
        let skipped = ancestor == .root ? 1 : ancestor.bytes.count + 1
        return RelativePath(unchecked: Array(bytes[skipped...]))
    }

    /// This path for a message or a log.
    package var logSafe: String { bytes.logSafe }

    /// Calls `body` with the path as C takes it.
    package func withCString<Result, Failure: Error>(
        _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try bytes.withCPath(body)
    }

    /// What stands between components.
    package static let separator = UInt8(ascii: "/")
    static let slash = separator
    static let dot = UInt8(ascii: ".")
}

extension FilePath: Comparable {
    /// Orders by bytes, as everything that must be the same on every machine does.
    package static func < (a: FilePath, b: FilePath) -> Bool {
        a.bytes.lexicographicallyPrecedes(b.bytes)
    }
}

extension FilePath: CustomStringConvertible {
    package var description: String { logSafe }
}

extension [UInt8] {
    /// Calls `body` with these bytes and a closing NUL.
    package func withCPath<Result, Failure: Error>(
        _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try self[...].withCPath(body)
    }
}

extension ArraySlice<UInt8> {
    /// Calls `body` with these bytes and a closing NUL.
    package func withCPath<Value, Failure: Error>(
        _ body: (UnsafePointer<CChar>) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try withUnsafeTemporaryAllocation(of: CChar.self, capacity: count + 1) { space in
            for (place, byte) in zip(space.indices, self) {
                space.initializeElement(at: place, to: CChar(bitPattern: byte))
            }
            space.initializeElement(at: count, to: 0)
            // SAFETY: there is room for one element at least, so there is a base address.
            guard let start = space.baseAddress else { preconditionFailure("no room for a NUL") }
            return Result { () throws(Failure) in try body(start) }
        }
        .get()
    }
}

extension Collection<UInt8> {
    func split(separator: UInt8, omittingEmpty: Bool) -> [SubSequence] {
        split(
            separator: separator,
            maxSplits: .max,
            omittingEmptySubsequences: omittingEmpty
        )
    }
}
