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
        case resultExpected
    }

    private func kind(_ end: TryEnd) -> Kind {
        switch TryVerdict(end) {
        case .retry: .retry
        case .disruption: .disruption
        case .restage: .restage
        case .permanent: .permanent
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

    @Test func whatIsNotTheWorkersFaultIsADisruption() {
        #expect(kind(.killed("signal 9")) == .disruption)
        #expect(kind(.gone("its folder is not there")) == .disruption)
        #expect(kind(.exited(255)) == .disruption)
    }
}
