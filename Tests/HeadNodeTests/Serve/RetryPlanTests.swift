// SPDX-License-Identifier: Apache-2.0

import Contract
import Kubernetes
import S3Client
import Staging
import Testing

@testable import HeadNode

@Suite struct RetryPlanTests {
    private static let away = HeadError(
        S3Error(.unreachable, what: "refused"),
        doing: "Cannot stage"
    )
    private static let denied = HeadError(
        S3Error(.accessDenied, what: "denied"),
        doing: "Cannot collect"
    )
    private static let full = HeadError(
        StagingError(.diskFull, what: "no space left on device"),
        doing: "Cannot collect"
    )
    private static let forbidden = HeadError(
        KubernetesError(.forbidden, what: "may not create jobs"),
        doing: "Cannot submit"
    )
    private static let serverAway = HeadError(
        KubernetesError(.unreachable, what: "refused"),
        doing: "Cannot submit"
    )
    private static let missing = HeadError(
        StagingError(.missing, what: "an input is not there"),
        doing: "Cannot stage"
    )
    private static let busy = HeadError(.busy, what: "another head")
    private static let damaged = HeadError(.damaged, what: "the report")

    private func step(
        _ error: HeadError,
        isUnderWay: Bool,
        failures: Int = 1
    ) -> RetryPlan.Step {
        var plan = RetryPlan()
        var step = RetryPlan.Step.fail
        for _ in 0..<failures {
            step = plan.next(after: error, isUnderWay: isUnderWay, lasted: 1)
        }
        return step
    }

    @Test("the bucket or the cluster away is no job's failure, however long (F20)")
    func whatComesBackIsWaitedFor() {
        for error in [Self.away, Self.serverAway, Self.busy] {
            for isUnderWay in [false, true] {
                let first = step(error, isUnderWay: isUnderWay)
                let late = step(error, isUnderWay: isUnderWay, failures: 100_000)
                #expect(first == .again(seconds: 1))
                #expect(late == .again(seconds: 15))
            }
        }
    }

    @Test func whatSomebodyMustDoFailsARunThatHasNotBegun() {
        for error in [Self.denied, Self.full, Self.forbidden, Self.missing] {
            #expect(step(error, isUnderWay: false) == .fail)
            #expect(step(error, isUnderWay: true) == .again(seconds: 1))
            #expect(step(error, isUnderWay: true, failures: 10) == .again(seconds: 60))
        }
    }

    @Test func resultsInTheBucketAreWorthAnHour() {
        for error in [Self.forbidden, Self.missing] {
            var plan = RetryPlan()
            var seconds = 0.0
            while case .again(let pause) = plan.next(after: error, isUnderWay: true, lasted: 0) {
                seconds += pause
            }
            #expect((3600...4200).contains(seconds))
        }
        #expect(step(Self.full, isUnderWay: true, failures: 10_000) == .again(seconds: 60))
    }

    @Test("credentials that are refused over a weekend cost no finished run")
    func aStoreThatTakesUsForNobodyIsWaitedFor() {
        for code in [S3Error.Code.accessDenied, .noCredentials, .untrusted, .noSuchBucket] {
            let error = HeadError(S3Error(code, what: "no"), doing: "Cannot collect")
            #expect(step(error, isUnderWay: true, failures: 10_000) == .again(seconds: 60))
            #expect(step(error, isUnderWay: false) == .fail)
        }
    }

    @Test("a changed configuration fails no run that began elsewhere")
    func anotherPlaceIsWaitedFor() {
        let error = HeadError(.otherPlace, what: "x")
        for isUnderWay in [false, true] {
            #expect(step(error, isUnderWay: isUnderWay, failures: 100_000) == .again(seconds: 15))
        }
    }

    @Test("a person is told once, not at each attempt, and again when it is something else")
    func whatIsNews() {
        func full(_ free: Int) -> HeadError {
            let error = StagingError(.diskFull, what: "/data has \(free) free")
            return HeadError(error, doing: "Cannot collect run 1")
        }
        var plan = RetryPlan()
        var news: [Bool] = []
        for (error, lasted) in [
            (full(1), 1.0), (full(2), 1), (full(3), 1), (Self.away, 1), (full(3), 1), (full(3), 1),
            (full(3), 1000),
        ] {
            _ = plan.next(after: error, isUnderWay: true, lasted: lasted)
            news.append(plan.isNews)
        }
        #expect(news == [true, false, false, true, true, false, true])
    }

    @Test func whatIsGoneIsGone() {
        #expect(step(Self.damaged, isUnderWay: true) == .fail)
        #expect(step(HeadError(.otherRun, what: "x"), isUnderWay: true) == .fail)
        #expect(step(HeadError(.description, what: "x"), isUnderWay: false) == .fail)
    }

    @Test func aRunThatHasMovedOnBeginsToCountAnew() {
        var plan = RetryPlan()
        for _ in 0..<20 { _ = plan.next(after: Self.away, isUnderWay: true, lasted: 1) }
        let step = plan.next(after: Self.away, isUnderWay: true, lasted: 1000)
        #expect(step == .again(seconds: 1))
    }
}
