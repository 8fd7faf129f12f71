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
    /// What the store does from now on.
    let storeStorm: String
    /// What the API server does, where there is one.
    let serverStorm: String
    let blow: Blow
    /// Which of those that there are is meant.
    private let pick: UInt64

    init(_ generator: inout SeededGenerator) {
        pause = Int.random(in: 300...1500, using: &generator)
        storeStorm = Self.storm(Storms.store, &generator)
        serverStorm = Self.storm(Storms.server, &generator)
        switch Int.random(in: 0..<12, using: &generator) {
        case 0, 1: blow = .killWorker
        case 2, 3: blow = .killHead
        case 4, 5: blow = .fillDisk
        default: blow = .nothing
        }
        pick = generator.next()
    }

    private static func storm(
        _ among: [String],
        _ generator: inout SeededGenerator
    ) -> String {
        let seed = Int.random(in: 0..<1000, using: &generator)
        return among[Int.random(in: 0..<among.count, using: &generator)]
            .replacing("SEED", with: "\(seed)")
            .replacing("SILENCE", with: Lab.isFull ? "3600" : "3")
    }

    func pick<Element>(_ among: [Element]) -> Element? {
        among.isEmpty ? nil : among[Int(pick % UInt64(among.count))]
    }
}
