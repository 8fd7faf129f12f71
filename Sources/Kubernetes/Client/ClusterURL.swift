// SPDX-License-Identifier: Apache-2.0

/// The path and the query of a request, percent-encoded by byte (RFC 3986, section 2.3).
struct ClusterURL: Sendable {
    private(set) var text: String
    private var hasQuery = false

    /// - Parameter path: of our own making, in ASCII.
    init(path: String) { text = path }

    /// The collection of `kind`, or what `name` names in it; both have been checked.
    init(_ kind: ResourceKind, namespace: String, name: String? = nil, subresource: String? = nil) {
        let root = kind.group.isEmpty ? "/api" : "/apis/" + kind.group
        text = "\(root)/\(kind.version)/namespaces/\(namespace)/\(kind.plural)"
        if let name { text += "/" + name }
        if let subresource { text += "/" + subresource }
    }

    /// The same with one more parameter; without it where the value is nil.
    func with(_ name: String, _ value: String?) -> ClusterURL {
        guard let value else { return self }
        var url = self
        url.text += (hasQuery ? "&" : "?") + name + "=" + Self.encoded(value)
        url.hasQuery = true
        return url
    }

    static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
