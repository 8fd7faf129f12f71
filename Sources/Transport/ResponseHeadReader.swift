// SPDX-License-Identifier: Apache-2.0

/// Reads the heads of one response, line by line: any number of interim ones (1xx), then the one
/// that counts. Trailers after the body are left out.
struct ResponseHeadReader {
    /// What makes a head unusable.
    enum Fault: Error, Equatable {
        case malformed(String)
        case tooLong
        case contradictoryLength
    }

    private static let byteLimit = 256 << 10

    private(set) var head: HTTPResponseHead?
    /// Whether one of the interim heads was `100 Continue`.
    private(set) var hasSeenContinue = false
    private var status: Int?
    private var fields: [(name: [UInt8], value: [UInt8])] = []
    private var byteCount = 0

    /// Takes one line with its line end; gives the head when this was the last line of the one that
    /// counts.
    mutating func take(_ line: some Collection<UInt8>) throws(Fault) -> HTTPResponseHead? {
        byteCount += line.count
        guard byteCount <= Self.byteLimit else { throw .tooLong }
        let line = Array(line.trimmingLineEnd())
        if line.starts(with: "HTTP/".utf8) {
            try begin(line)
            return nil
        }
        guard let status else { return nil }
        guard line.isEmpty else {
            try add(line)
            return nil
        }
        self.status = nil
        if status == 100 { hasSeenContinue = true }
        guard status >= 200 else { return nil }
        let finished = HTTPResponseHead(
            status: status,
            fields: fields.map {
                HTTPField(
                    String(decoding: $0.name, as: UTF8.self),
                    String(decoding: $0.value, as: UTF8.self)
                )
            }
        )
        _ = try finished.bodyLength
        head = finished
        return finished
    }

    private mutating func begin(_ line: [UInt8]) throws(Fault) {
        head = nil
        fields = []
        let digits = line.drop { $0 != Self.blank }.drop { $0 == Self.blank }.prefix(3)
        guard digits.count == 3, let number = digits.decimal, number >= 100
        else { throw .malformed("its status line has no status") }
        status = Int(number)
    }

    private mutating func add(_ line: [UInt8]) throws(Fault) {
        if line[0] == Self.blank || line[0] == Self.tab {
            // A folded line (RFC 9112, section 5.2) goes on with the field before it.
            guard let last = fields.indices.last
            else { throw .malformed("a field is continued that never began") }
            fields[last].value += [Self.blank] + line.trimmingBlanks()
            return
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0
        else { throw .malformed("a header line has no name") }
        fields.append(
            (line[..<colon].map(\.lowercased), Array(line[(colon + 1)...].trimmingBlanks()))
        )
    }

    static let blank = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")
}

extension HTTPResponseHead {
    /// How long the body is said to be; nil where nothing is said, or the body comes in chunks.
    ///
    /// - Throws: `.contradictoryLength` when lengths differ or are no numbers: one that believes the
    ///   first and one that believes the last would read different bodies.
    var bodyLength: Int64? {
        get throws(ResponseHeadReader.Fault) {
            if self["transfer-encoding"] != nil { return nil }
            var length: Int64?
            for field in fields where field.name == "content-length" {
                for part in field.value.utf8.split(
                    separator: UInt8(ascii: ","),
                    omittingEmptySubsequences: false
                ) {
                    guard let number = part.trimmingBlanks().decimal, length ?? number == number
                    else { throw .contradictoryLength }
                    length = number
                }
            }
            return length
        }
    }
}

extension Collection<UInt8> {
    /// These digits as a number; nil unless they are 1 to 18 digits and nothing else.
    fileprivate var decimal: Int64? {
        guard (1...18).contains(count) else { return nil }
        var number: Int64 = 0
        for byte in self {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            number = number * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        return number
    }

    fileprivate func trimmingLineEnd() -> some Collection<UInt8> {
        var rest = Array(self)[...]
        if rest.last == UInt8(ascii: "\n") { rest.removeLast() }
        if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
        return rest
    }

    fileprivate func trimmingBlanks() -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool {
            byte == ResponseHeadReader.blank || byte == ResponseHeadReader.tab
        }
        var rest = Array(self).drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return rest
    }
}

extension UInt8 {
    /// The small letter for a capital one of ASCII.
    fileprivate var lowercased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}
