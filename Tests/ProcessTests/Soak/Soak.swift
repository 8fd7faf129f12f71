// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Where all that a soak decides comes from: one number, said at its beginning, given again by
/// GALAXY_S3_TEST_SEED.
///
/// The number brings back the jobs, their bytes, and which faults come in which order and for how long.
/// It does not bring back which request or process a fault meets: that is a matter of when.
enum Soak {
    static let seed: UInt64 =
        getenv("GALAXY_S3_TEST_SEED").flatMap { UInt64(String(cString: $0)) }
        ?? UInt64.random(in: 1...999_999_999)

    static var words: Comment { "GALAXY_S3_TEST_SEED=\(seed)" }

    /// How many jobs go through, and how often the head is killed.
    static var jobs: Int { Lab.isFull ? 200 : 16 }
    static var restarts: Int { Lab.isFull ? 32 : 3 }

    /// Says the number, and gives what is to be drawn from.
    static func begin(_ name: String) -> SeededGenerator {
        Aloud.say("\(name): GALAXY_S3_TEST_SEED=\(seed)")
        return SeededGenerator(seed: seed)
    }

    /// A run's name for a job, as Galaxy's plugin draws it.
    static func run(
        of job: GalaxyJob,
        _ generator: inout SeededGenerator
    ) -> String {
        let digits = String(generator.next(), radix: 16)
        return job.id + "-" + String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
