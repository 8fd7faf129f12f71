// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// What happens next in a soak. As much is drawn for each step whatever comes of it, so that a number
/// gives the same steps each time.
struct SoakStep {
    enum Blow: CaseIterable {
        case nothing, killWorker, killHead, fillDisk
    }

    /// In milliseconds.
    let pause: Int
    /// What servers do from now on.
    let storm: String
    let blow: Blow
    /// Which of those that there are is meant.
    private let pick: UInt64

    init(
        among storms: [String],
        _ generator: inout SeededGenerator
    ) {
        pause = Int.random(in: 300...1500, using: &generator)
        let seed = Int.random(in: 0..<1000, using: &generator)
        storm = storms[Int.random(in: 0..<storms.count, using: &generator)]
            .replacing("SEED", with: "\(seed)")
        switch Int.random(in: 0..<12, using: &generator) {
        case 0, 1: blow = .killWorker
        case 2, 3: blow = .killHead
        case 4, 5: blow = .fillDisk
        default: blow = .nothing
        }
        pick = generator.next()
    }

    func pick<Element>(_ among: [Element]) -> Element? {
        among.isEmpty ? nil : among[Int(pick % UInt64(among.count))]
    }
}
