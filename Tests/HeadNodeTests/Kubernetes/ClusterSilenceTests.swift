// SPDX-License-Identifier: Apache-2.0

import Kubernetes
import Testing

@testable import HeadNode

struct ClusterSilenceTests {
    private let away = KubernetesError(.unreachable, what: "away")
    private let starting = KubernetesError(.unavailable, what: "starting")
    private let refusal = KubernetesError(.unauthenticated, what: "refused")
    private let over = "The cluster answers again."

    @Test func anOutageIsToldOnceAndSoIsItsEnd() {
        var silence = ClusterSilence()
        #expect(silence.note(nil, now: 0) == nil)
        #expect(silence.note(away, now: 1)?.hasSuffix("away.") == true)
        #expect(silence.note(away, now: 1000) == nil)
        #expect(silence.note(starting, now: 1001) == nil, "it is the same outage")
        #expect(silence.note(nil, now: 1002) == over)
        #expect(silence.note(nil, now: 1003) == nil)
        #expect(silence.note(away, now: 1004) != nil, "another one")
    }

    @Test func aRefusalOfAServerThatHasJustStartedIsNotTold() {
        var silence = ClusterSilence()
        _ = silence.note(away, now: 0)
        #expect(silence.note(refusal, now: 1) == nil)
        #expect(silence.note(refusal, now: 10) == nil)
        #expect(silence.note(nil, now: 10.5) == over)
    }

    @Test func aRefusalThatLastsIsToldEvenIfAnOutageCameBefore() {
        var silence = ClusterSilence()
        _ = silence.note(away, now: 0)
        #expect(silence.note(refusal, now: 1) == nil)
        #expect(silence.note(refusal, now: 11)?.contains("refused") == true)
        #expect(silence.note(refusal, now: 1000) == nil)
    }

    @Test func aRefusalAloneIsToldWhenItLasts() {
        var silence = ClusterSilence()
        #expect(silence.note(refusal, now: 0) == nil)
        #expect(silence.note(nil, now: 9) == nil, "nobody was told that it was lost")
        #expect(silence.note(refusal, now: 20) == nil)
        #expect(silence.note(refusal, now: 30) != nil)
    }
}
