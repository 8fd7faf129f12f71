// SPDX-License-Identifier: Apache-2.0

/// How long a job waits while another one brings a file into the node's cache. A pure value.
///
/// Whoever brings it shows signs of life by what is in the file. Without one for a while, and after
/// a long time in any case, a job goes on by itself and asks the store.
package struct CachePatience {
    /// Without a sign of life, in seconds.
    package static let quiet = 30.0
    /// Altogether, in seconds.
    static let longest = 3600.0

    private let quiet: Double
    private let start: Double
    private var lastSign: Double
    private var stamp: FileStamp?

    /// - Parameter now: seconds of a clock that only goes forward, here and below.
    init(
        quiet: Double = CachePatience.quiet,
        now: Double
    ) {
        self.quiet = quiet
        start = now
        lastSign = now
    }

    /// Whether to look again a little later.
    ///
    /// - Parameter seen: what the file is now; nil where it could not be seen.
    mutating func goesOn(
        _ seen: FileStamp?,
        now: Double
    ) -> Bool {
        if let seen, seen != stamp {
            stamp = seen
            lastSign = now
        }
        return now - lastSign < quiet && now - start < Self.longest
    }
}
