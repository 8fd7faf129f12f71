// SPDX-License-Identifier: Apache-2.0

/// The name of a container image (the distribution project's `reference` grammar).
///
/// ```
/// reference = [domain "/"] component {"/" component} [":" tag] ["@" digest]
/// ```
/// A first component with a dot or a colon in it, or `localhost`, is a domain; without one it is
/// `docker.io`, and there a single component stands below `library`.
struct ImageReference: Sendable, Hashable, CustomStringConvertible {
    /// As it was written.
    let description: String
    /// Where the image is.
    let name: ImageName
    /// `:tag`, `@digest`, both, or nothing.
    private let suffix: String
    /// Whether the name can only ever mean the same bytes.
    let isPinned: Bool

    init(_ text: String) throws(BadValue) {
        func refuse(_ why: String, _ remedy: String = "") -> BadValue {
            BadValue(
                why: "\"\(ConfigValues.shown(text))\" is no image: \(why)",
                remedy: remedy.isEmpty
                    ? "Write it as quay.io/biocontainers/samtools:1.21 or …@sha256:…." : remedy
            )
        }
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty else { throw refuse("it is empty") }
        guard !bytes.starts(with: "docker://".utf8) else {
            throw refuse("it begins with docker://", "Write it without docker://.")
        }
        var rest = bytes[...]
        if let at = rest.firstIndex(of: UInt8(ascii: "@")) {
            guard Self.isDigest(rest[(at + 1)...]) else {
                throw refuse("what follows @ is not sha256: and 64 hexadecimal digits")
            }
            isPinned = true
            rest = rest[..<at]
        } else {
            isPinned = false
        }
        let slash = rest.lastIndex(of: UInt8(ascii: "/")) ?? rest.startIndex
        if let colon = rest[slash...].firstIndex(of: UInt8(ascii: ":")) {
            guard Self.isTag(rest[(colon + 1)...]) else {
                throw refuse("the tag is not 1 to 128 letters, digits and _ . -")
            }
            rest = rest[..<colon]
        }
        guard let name = ImageName(rest) else {
            throw refuse("the name is not lower-case words, joined by slashes and by . _ -")
        }
        self.name = name
        suffix = String(decoding: bytes[rest.endIndex...], as: UTF8.self)
        description = text
    }

    /// The same image under another name.
    func renamed(_ name: String) -> String { name + suffix }

    private static func isDigest(_ bytes: ArraySlice<UInt8>) -> Bool {
        let start = Array("sha256:".utf8)
        let digits = bytes.dropFirst(start.count)
        return bytes.starts(with: start) && digits.count == 64
            && digits.allSatisfy {
                ASCII.isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }

    private static func isTag(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard (1...128).contains(bytes.count), let first = bytes.first, !".-".utf8.contains(first)
        else { return false }
        return bytes.allSatisfy {
            ASCII.isLetter($0) || ASCII.isDigit($0) || "_.-".utf8.contains($0)
        }
    }
}

/// Where images are: a registry's domain and the names below it, written out in full.
struct ImageName: Sendable, Hashable, CustomStringConvertible {
    static let longest = 255

    /// The domain and all that follows it.
    let components: [String]

    var description: String { components.joined(separator: "/") }

    /// The name of an image, without tag and digest; nil for what is none.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard let parts = Self.parts(bytes) else { return nil }
        if parts.count > 1, Self.looksLikeDomain(parts[0]) {
            guard let domain = Self.domain(parts[0]), parts.dropFirst().allSatisfy(Self.isWord)
            else { return nil }
            self.init(domain, parts.dropFirst())
        } else {
            guard parts.allSatisfy(Self.isWord) else { return nil }
            self.init("docker.io", parts[...])
        }
    }

    /// A registry, or a part of one; nil for what is none.
    init?(registry text: String) {
        guard let parts = Self.parts(Array(text.utf8)[...]), Self.looksLikeDomain(parts[0]),
            let domain = Self.domain(parts[0]), parts.dropFirst().allSatisfy(Self.isWord)
        else { return nil }
        components = [domain] + parts.dropFirst().map { String(decoding: $0, as: UTF8.self) }
    }

    private init(_ domain: String, _ words: ArraySlice<ArraySlice<UInt8>>) {
        let names = words.map { String(decoding: $0, as: UTF8.self) }
        let isOfficial = domain == "docker.io" && names.count == 1
        components = [domain] + (isOfficial ? ["library"] : []) + names
    }

    private static func parts(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
        guard (1...longest).contains(bytes.count) else { return nil }
        return bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    }

    private static func looksLikeDomain(_ part: ArraySlice<UInt8>) -> Bool {
        part.contains(UInt8(ascii: ".")) || part.contains(UInt8(ascii: ":"))
            || part.elementsEqual("localhost".utf8)
    }

    /// The domain as it is compared: Docker Hub has two names.
    private static func domain(_ part: ArraySlice<UInt8>) -> String? {
        let pieces = part.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard pieces.count <= 2 else { return nil }
        let labels = pieces[0].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.allSatisfy(isLabel) else { return nil }
        if pieces.count == 2 {
            guard (1...5).contains(pieces[1].count), pieces[1].allSatisfy(ASCII.isDigit)
            else { return nil }
        }
        let text = String(decoding: part.map(\.asciiLowercase), as: UTF8.self)
        return text == "index.docker.io" ? "docker.io" : text
    }

    private static func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
        let hyphen = UInt8(ascii: "-")
        return !label.isEmpty && label.first != hyphen && label.last != hyphen
            && label.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == hyphen }
    }

    /// Lower-case letters and digits, between them a dot, one or two underscores, or hyphens.
    private static func isWord(_ word: ArraySlice<UInt8>) -> Bool {
        guard let first = word.first, let last = word.last, ASCII.isLowerOrDigit(first),
            ASCII.isLowerOrDigit(last)
        else { return false }
        return word.split(whereSeparator: ASCII.isLowerOrDigit)
            .allSatisfy { separator in
                separator.allSatisfy { $0 == UInt8(ascii: "-") }
                    || [".", "_", "__"].contains { separator.elementsEqual($0.utf8) }
            }
    }
}
