// SPDX-License-Identifier: Apache-2.0

/// Amounts of CPU and memory as Galaxy's destinations write them.
enum ResourceText {
    static let cpuExpected = "cores, from 1m to 1000, such as 500m, 0.5 or 2"
    static let memoryExpected = "a size from 1Mi to 1Pi, such as 4Gi or 4G"

    /// Thousandths of a core; what is finer is rounded up, as Kubernetes does.
    static func cpu(_ text: String) throws(BadValue) -> Int64 {
        let value = try Quantity.roundedUp(text, inThousandths: true, expected: cpuExpected)
        guard (1...1_000_000).contains(value) else { throw refuse(text, cpuExpected) }
        return value
    }

    /// Bytes; a fraction is rounded up, as Kubernetes does. As in Galaxy the unit may be in any case:
    /// `4g` is `4G`, `512mi` is `512Mi`.
    static func memory(_ text: String) throws(BadValue) -> Int64 {
        let value = try Quantity.roundedUp(
            withKnownUnit(text),
            inThousandths: false,
            expected: memoryExpected
        )
        guard (1 << 20...1 << 50).contains(value) else { throw refuse(text, memoryExpected) }
        return value
    }

    private static func withKnownUnit(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let unit = bytes.reversed().prefix(while: ASCII.isLetter).reversed().map(\.asciiLowercase)
        guard let first = unit.first, "kmgtpe".utf8.contains(first),
            unit.count == 1 || unit.count == 2 && unit[1] == UInt8(ascii: "i")
        else { return text }
        let isThousand = first == UInt8(ascii: "k") && unit.count == 1
        let letter = isThousand ? first : first.asciiUppercase
        return String(
            decoding: bytes.dropLast(unit.count) + [letter] + unit.dropFirst(),
            as: UTF8.self
        )
    }

    private static func refuse(
        _ text: String,
        _ expected: String
    ) -> BadValue {
        BadValue(
            why: "\"\(ConfigValues.shown(text))\" is not allowed",
            remedy: "Write \(expected)."
        )
    }
}

extension ToolResources {
    /// What an amount is of.
    enum Resource: String, Sendable {
        case cpu = "CPU"
        case memory
        case disk

        /// Why a server would refuse such a container.
        var problem: BadValue {
            BadValue(
                why: "more \(rawValue) is requested than the limit allows",
                remedy: "Lower the request, or raise the limit."
            )
        }
    }

    /// Of what more is requested than the limit allows; nil if all is well.
    var excess: Resource? {
        func isAbove(_ request: Int64?, _ limit: Int64?) -> Bool {
            guard let request, let limit else { return false }
            return request > limit
        }
        if isAbove(requests.cpu, limits.cpu) { return .cpu }
        if isAbove(requests.memory, limits.memory) { return .memory }
        return isAbove(requests.ephemeralStorage, limits.ephemeralStorage) ? .disk : nil
    }
}
