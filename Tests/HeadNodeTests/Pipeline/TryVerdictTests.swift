// SPDX-License-Identifier: Apache-2.0

import Contract
import Testing

@testable import HeadNode

struct TryVerdictTests {
    private enum Kind {
        case retry
        case disruption
        case restage
        case permanent
        case limit
        case resultExpected
    }

    private func kind(_ end: TryEnd) -> Kind {
        switch TryVerdict(end) {
        case .retry, .retryOnce: .retry
        case .disruption: .disruption
        case .restage: .restage
        case .permanent: .permanent
        case .limit: .limit
        case .resultExpected: .resultExpected
        }
    }

    @Test("what the head does about each exit status of the worker")
    func table() {
        let table: [(WorkerExit, Kind)] = [
            (.committed, .resultExpected), (.usage, .permanent), (.input, .restage),
            (.notStored, .retry), (.unreachable, .retry), (.bug, .permanent), (.io, .retry),
            (.stopped, .disruption), (.denied, .permanent),
        ]
        #expect(table.map(\.0) == WorkerExit.allCases)
        for (exit, expected) in table { #expect(kind(.exited(exit.rawValue)) == expected) }
    }

    @Test func whatABiggerDestinationMayHealIsToldToGalaxy() {
        #expect(TryVerdict(.outOfMemory("x")) == .limit(.outOfMemory, "x"))
        #expect(TryVerdict(.walltime("x")) == .limit(.walltime, "x"))
    }

    @Test("the wait doubles with every disruption, up to five minutes")
    func delays() {
        let waits = (1...8).map { DisruptionDelay.seconds(after: $0, first: 5) }
        #expect(waits == [5, 10, 20, 40, 80, 160, 300, 300])
        #expect(DisruptionDelay.seconds(after: 100, first: 300) == 300)
        #expect(DisruptionDelay.seconds(after: 3, first: 0) == 0)
    }

    @Test func whatIsNotTheWorkersFaultIsADisruption() {
        #expect(kind(.killed("signal 9")) == .disruption)
        #expect(kind(.gone("its folder is not there")) == .disruption)
        #expect(kind(.exited(255)) == .disruption)
    }
}
