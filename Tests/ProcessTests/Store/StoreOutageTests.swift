// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// F61, F62 and F81: for a while the store wants less, is gone, or nothing passes in either direction;
/// the job goes on where it was, and its tool runs once. Seconds here, minutes the long way.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct StoreOutageTests {
    enum Kind: String, Sendable {
        /// Every request is refused with SlowDown.
        case slowDown
        /// Connections are reset and refused.
        case gone
        /// What is sent is swallowed, and nothing comes back.
        case cut
    }

    /// Where it begins.
    enum Moment: String, Sendable {
        case stage, fetch, push, collect
    }

    struct Outage: CustomTestStringConvertible, Sendable {
        let kind: Kind
        let moment: Moment

        /// F61 and F81 ask for a minute, F62 for ten.
        var seconds: Int { Lab.isFull ? (kind == .gone ? 600 : 60) : 6 }

        var testDescription: String { "\(kind), \(moment), \(seconds) s" }
    }

    static let outages = [
        Outage(kind: .slowDown, moment: .stage), Outage(kind: .slowDown, moment: .push),
        Outage(kind: .gone, moment: .fetch), Outage(kind: .gone, moment: .push),
        Outage(kind: .cut, moment: .fetch), Outage(kind: .cut, moment: .push),
        Outage(kind: .cut, moment: .collect),
    ]

    @Test(arguments: outages)
    func theJobGoesOnWhereItWas(_ outage: Outage) async throws {
        try await FaultyStore.run { store in
            let job = try KillTests.job(store.lab, isGated: true)
            let (serving, _) = try await Serving.begin(store.lab, ["--set", "retries=5"])
            // Slow enough to be met on its way.
            try store.rules(#"[{"operation": "GetObject", "drip": 6000000}]"#)
            serving.send("submit", job)
            switch outage.moment {
            case .stage: try await Self.pass(outage, store)
            case .fetch:
                try await serving.hear(job, "queued")
                try await Self.pass(outage, store)
            case .push, .collect: break
            }
            let volume = try await GalaxyJob.waitForTool {
                (1...5).compactMap { store.lab.volume(of: job, try: $0) }.last
            }
            if outage.moment == .push {
                try await Self.pass(outage, store) { try GalaxyJob.release(volume, "go") }
            } else {
                try GalaxyJob.release(volume, "go")
            }
            if outage.moment == .collect {
                try await serving.hear(job, "collecting")
                try await Self.pass(outage, store)
            }
            let end = try await serving.hearEnd(of: job)
            #expect(end.state == "ok", "\(end.message ?? "")")
            serving.hangUp()
            #expect(try await serving.program.ending().status == 0)
            try await KillTests.expectResult(of: job, store.lab)
        }
    }

    /// Lets the outage come and go.
    ///
    /// - Parameter meanwhile: what is done when it has begun.
    private static func pass(
        _ outage: Outage,
        _ store: FaultyStore,
        meanwhile: () throws -> Void = {}
    ) async throws {
        let wait = Duration.seconds(outage.seconds)
        switch outage.kind {
        case .slowDown:
            let before = try store.requests().count
            try store.rules(#"[{"status": 503, "code": "SlowDown"}]"#)
            try meanwhile()
            try await Task.sleep(for: wait)
            let asked = try store.requests().count - before
            try store.rules("[]")
            // A process may spend 500 on retries, and one after a SlowDown costs 5 (RetryBudget).
            #expect((2...200).contains(asked), "\(asked) requests")
        case .gone:
            try store.close(seconds: outage.seconds)
            try meanwhile()
            try await Task.sleep(for: wait)
        case .cut:
            store.freeze()
            try meanwhile()
            try await Task.sleep(for: wait)
            store.thaw()
        }
    }
}
