// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import Synchronization

@testable import Staging

/// renameat2(2), whose header Swift does not see.
@_silgen_name("renameat2") private func renameat2(
    _ from: Int32,
    _ old: UnsafePointer<CChar>,
    _ to: Int32,
    _ new: UnsafePointer<CChar>,
    _ flags: UInt32
) -> Int32

/// RENAME_EXCHANGE: the two names change places in one step, so there is never nothing.
private let exchange: UInt32 = 2

/// Swaps names for each other, again and again, on a thread of its own: what a race for a path needs.
final class Flipper: Sendable {
    /// More than any test has time for.
    private static let most = 100_000_000
    /// After so many swaps it rests, the longer the more there were, so that on a busy machine too something
    /// comes through untouched.
    private static let untilRest = 2000
    private static let longestRest = 200

    private let pairs: [(FilePath, FilePath)]
    private let isOver = Atomic<Bool>(false)
    private let count = Atomic<Int>(0)

    init(_ pairs: [(FilePath, FilePath)]) { self.pairs = pairs }

    /// How often each pair has been swapped so far.
    var swaps: Int { count.load(ordering: .relaxed) }

    /// Does `body` meanwhile; afterwards each name is what it was.
    ///
    /// - Throws: what `body` throws, or a failure if the names could not be swapped to the end.
    func during(_ body: () async throws -> Void) async throws {
        async let end: Void = Threads.value { () throws(TemporaryTree.Failure) in
            while self.swaps < Self.most, !self.isOver.load(ordering: .relaxed) {
                // Twice, so that it ends as it began.
                for _ in 0..<2 { try self.swap() }
                self.count.add(2, ordering: .relaxed)
                if self.swaps.isMultiple(of: Self.untilRest) {
                    let milliseconds = min(self.swaps / 1000, Self.longestRest)
                    usleep(UInt32(milliseconds) * 1000)
                } else {
                    sched_yield()
                }
            }
        }
        do {
            defer { isOver.store(true, ordering: .relaxed) }
            try await body()
        }
        try await end
    }

    private func swap() throws(TemporaryTree.Failure) {
        for (one, other) in pairs {
            let done = one.withCString { one in
                other.withCString { renameat2(AT_FDCWD, one, AT_FDCWD, $0, exchange) }
            }
            guard done == 0 else { throw TemporaryTree.failure("swap \(one)") }
        }
    }
}
