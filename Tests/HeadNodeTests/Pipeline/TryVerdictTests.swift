// SPDX-License-Identifier: Apache-2.0

import Contract
import Testing

@testable import HeadNode

@Suite struct TryVerdictTests {
    private enum Kind { case resultExpected, permanent, retry, disruption, restage }

    private func kind(_ end: TryEnd) -> Kind {
        switch TryVerdict(end) {
        case .resultExpected: .resultExpected
        case .permanent: .permanent
        case .retry: .retry
        case .disruption: .disruption
        case .restage: .restage
        }
    }

    /// Design, section 6: the table of exit statuses.
    @Test func everyExitStatusHasItsVerdict() {
        let table: [WorkerExit: Kind] = [
            .committed: .resultExpected, .usage: .permanent, .input: .restage, .notStored: .retry,
            .unreachable: .retry, .bug: .permanent, .io: .retry, .stopped: .disruption,
            .denied: .permanent,
        ]
        for exit in WorkerExit.allCases {
            #expect(kind(.exited(exit.rawValue)) == table[exit], "\(exit)")
        }
    }

    @Test func whatNoWorkerSaysIsADisruption() {
        for status: Int32 in [1, 2, 63, 127, 255] { #expect(kind(.exited(status)) == .disruption) }
        #expect(kind(.killed("signal 9")) == .disruption)
        #expect(kind(.gone("lost")) == .disruption)
    }

    @Test func whatCannotWorkHereIsPermanent() {
        #expect(TryVerdict(.impossible("no sandbox")) == .permanent("no sandbox"))
    }
}
