// SPDX-License-Identifier: Apache-2.0

extension ServerVersion: Decodable {
    private enum CodingKeys: String, CodingKey { case major, minor, gitVersion }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let gitVersion = try fields.decodeIfPresent(String.self, forKey: .gitVersion) ?? ""
        let major = try fields.decodeIfPresent(String.self, forKey: .major) ?? ""
        let minor = try fields.decodeIfPresent(String.self, forKey: .minor) ?? ""
        guard let version = ServerVersion(major: major, minor: minor, gitVersion: gitVersion) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "it is no version")
            )
        }
        self = version
    }

    /// Reads what `/version` says. Vendors write `20+` for a minor version with changes of their
    /// own, and some leave both empty and say it in `gitVersion` alone.
    init?(major: String, minor: String, gitVersion: String) {
        let numbers = Array(gitVersion.utf8.drop { $0 == UInt8(ascii: "v") })
            .split(separator: UInt8(ascii: "."), maxSplits: 2, omittingEmptySubsequences: false)
        func number(_ text: some Collection<UInt8>) -> Int? {
            let digits = text.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            return (1...6).contains(digits.count)
                ? Int(String(decoding: digits, as: UTF8.self)) : nil
        }
        guard let major = number(major.utf8) ?? numbers.first.flatMap(number),
            let minor = number(minor.utf8) ?? (numbers.count > 1 ? number(numbers[1]) : nil)
        else { return nil }
        self.init(major, minor, gitVersion: gitVersion)
    }
}
