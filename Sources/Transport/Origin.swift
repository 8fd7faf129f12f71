// SPDX-License-Identifier: Apache-2.0

/// Scheme, host and port of a URL: whom a connection is made to.
///
/// It is all of a URL that a message may show: paths hold names and queries can hold signatures.
struct Origin: Hashable, Sendable, CustomStringConvertible {
    /// As written in the URL, such as `https://s3.example.org:9000`.
    let description: String
    /// The scheme's own where the URL says none.
    let port: Int

    /// - Throws: `.usage` unless `url` is an absolute http or https URL in printable ASCII, without
    ///   a user, a password or a fragment, which libcurl would act on or drop.
    init(of url: String) throws(TransportError) {
        let bytes = Array(url.utf8)
        guard let scheme = ["http://", "https://"].first(where: { bytes.starts(with: $0.utf8) })
        else { throw Self.unusable("it does not start with http:// or https://") }
        guard bytes.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") })
        else { throw Self.unusable("blanks, \"#\" and what is not ASCII have to be escaped") }
        let authority = bytes.dropFirst(scheme.utf8.count)
            .prefix {
                $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?")
            }
        guard !authority.isEmpty else { throw Self.unusable("it names no host") }
        guard !authority.contains(UInt8(ascii: "@"))
        else { throw Self.unusable("it holds a user name") }
        description = scheme + String(decoding: authority, as: UTF8.self)
        let digits = authority.split(separator: UInt8(ascii: ":")).last ?? []
        let isSaid = authority.last != UInt8(ascii: "]") && authority.count > digits.count
        port =
            (isSaid ? Int(String(decoding: digits, as: UTF8.self)) : nil)
            ?? (scheme == "https://" ? 443 : 80)
    }

    private static func unusable(_ reason: String) -> TransportError {
        TransportError(.usage, what: "Cannot use a request's URL: \(reason)")
    }
}
