// SPDX-License-Identifier: Apache-2.0

import Kubernetes
import Testing

@testable import HeadNode

struct SubmitPatienceTests {
    private func error(_ code: KubernetesError.Code) -> KubernetesError {
        KubernetesError(code, what: "\(code)")
    }

    @Test(arguments: [
        KubernetesError.Code.unreachable, .unavailable, .busy, .quota, .noCredentials,
    ])
    func whatPassesIsWaitedForWithoutEndAndToldOnce(_ code: KubernetesError.Code) {
        var patience = SubmitPatience()
        var steps: [SubmitPatience.Step] = []
        for _ in 0..<1000 { steps.append(patience.next(after: error(code))) }
        #expect(steps[0] == .again(seconds: 1, tell: "\(code)"))
        #expect(steps[1] == .again(seconds: 2, tell: nil))
        #expect(steps[999] == .again(seconds: 15, tell: nil))
    }

    @Test func anotherReasonIsTold() {
        var patience = SubmitPatience()
        _ = patience.next(after: error(.unreachable))
        #expect(patience.next(after: error(.quota)) == .again(seconds: 2, tell: "quota"))
    }

    @Test(arguments: [KubernetesError.Code.forbidden, .invalid, .untrusted, .unauthenticated])
    func whatSomebodyMustCorrectIsGivenUpAtOnce(_ code: KubernetesError.Code) {
        var patience = SubmitPatience()
        #expect(patience.next(after: error(code)) == .giveUp)
    }

    @Test(arguments: [KubernetesError.Code.alreadyExists, .beingDeleted])
    func aJobOnItsWayOutIsNotWaitedForForEver(_ code: KubernetesError.Code) {
        var patience = SubmitPatience()
        for _ in 0..<SubmitPatience.oldJob {
            #expect(patience.next(after: error(code)) == .again(seconds: 1, tell: nil))
        }
        #expect(patience.next(after: error(code)) == .giveUp)
    }
}
