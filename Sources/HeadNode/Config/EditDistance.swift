// SPDX-License-Identifier: Apache-2.0

/// How far two names are apart: insertions, deletions, replacements and swaps of neighbours.
enum EditDistance {
    /// The name nearest to `name` if it is near enough to be what was meant; the first of equals.
    static func nearest(
        to name: String,
        in names: [String]
    ) -> String? {
        guard name.utf8.count <= 64 else { return nil }
        let limit = max(1, name.utf8.count / 3)
        var best: (name: String, distance: Int)?
        for candidate in names {
            let distance = between(Array(name.utf8), Array(candidate.utf8))
            if distance <= limit, distance < best?.distance ?? .max {
                best = (candidate, distance)
            }
        }
        return best?.name
    }

    /// The optimal string alignment distance of two names, letters' case not counted.
    static func between(_ first: [UInt8], _ second: [UInt8]) -> Int {
        let a = first.map(\.asciiLowercase)
        let b = second.map(\.asciiLowercase)
        var before: [Int] = []
        var row = Array(0...b.count)
        for i in a.indices {
            var next = [i + 1]
            for j in b.indices {
                var least = min(row[j + 1] + 1, next[j] + 1, row[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    least = min(least, before[j - 1] + 1)
                }
                next.append(least)
            }
            before = row
            row = next
        }
        return row[b.count]
    }
}
