// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HeadNode

struct TryJudgeTests {
    private let limits = TryJudge.Limits(schedule: 100, image: 60, container: 30)
    private let noNode = TrySighting.waiting(PodWait(kind: .schedule, text: "no node"))
    private let noImage = TrySighting.waiting(PodWait(kind: .image, text: "no image"))

    @Test func eachWaitHasItsOwnLimitAndIsToldOnce() {
        var judge = TryJudge(limits)
        #expect(judge(noNode, isComplete: true, now: 0) == .goOn)
        #expect(judge(noNode, isComplete: true, now: 2) == .tellWaiting("no node"))
        #expect(judge(noNode, isComplete: true, now: 99) == .goOn)
        // An image is waited for from when it is the obstacle.
        #expect(judge(noImage, isComplete: true, now: 99) == .goOn)
        #expect(judge(noImage, isComplete: true, now: 158) == .tellWaiting("no image"))
        #expect(
            judge(noImage, isComplete: true, now: 159)
                == .end(.impossible("no image (for 1m)"), isOver: false)
        )
    }

    @Test func aNodeThatNeverComesIsALimitAndNotAFault() {
        var judge = TryJudge(limits)
        #expect(judge(noNode, isComplete: true, now: 0) == .goOn)
        let decision = judge(noNode, isComplete: true, now: 100)
        guard case .end(.walltime, false) = decision else {
            Issue.record("\(decision)")
            return
        }
    }

    @Test func whatKubernetesItselfDoesInAMomentIsToldOnlyIfItDoesNot() {
        var judge = TryJudge(limits)
        let noPod = TrySighting.waiting(PodWait(kind: .control, text: "no pod"))
        #expect(judge(noPod, isComplete: true, now: 0) == .goOn)
        #expect(judge(noPod, isComplete: true, now: 9) == .goOn)
        #expect(judge(noPod, isComplete: true, now: 10) == .tellWaiting("no pod"))
        #expect(judge(noPod, isComplete: true, now: 1e7) == .goOn)
    }

    @Test func withoutALimitItWaitsForEver() {
        var judge = TryJudge(TryJudge.Limits())
        _ = judge(noNode, isComplete: true, now: 0)
        _ = judge(noNode, isComplete: true, now: 1)
        #expect(judge(noNode, isComplete: true, now: 1e7) == .goOn)
    }

    @Test func aNameThatIsNoneEndsAtOnce() {
        var judge = TryJudge(TryJudge.Limits())
        let wait = PodWait(kind: .image, text: "InvalidImageName", isHopeless: true)
        #expect(
            judge(.waiting(wait), isComplete: true, now: 0)
                == .end(.impossible("InvalidImageName"), isOver: false)
        )
    }

    @Test("no answer is never no job: only a whole view, for a while, makes the head ask")
    func absence() {
        var judge = TryJudge(limits)
        #expect(judge(.unknown, isComplete: true, now: 0) == .goOn)
        #expect(judge(.unknown, isComplete: true, now: 4) == .goOn)
        #expect(judge(.unknown, isComplete: true, now: 5) == .confirm)
        judge.deny(now: 5)
        #expect(judge(.unknown, isComplete: true, now: 9) == .goOn)
        #expect(judge(.unknown, isComplete: false, now: 1000) == .goOn)
        #expect(judge(.unknown, isComplete: true, now: 1001) == .confirm)
    }

    @Test func whatIsSaidOfTheJobMayComeLaterThanWhatIsSaidOfThePod() {
        var judge = TryJudge(limits)
        let gone = TrySighting.ended(.gone("x"))
        #expect(judge(gone, isComplete: true, now: 0) == .goOn)
        #expect(judge(gone, isComplete: true, now: 5) == .end(.gone("x"), isOver: true))
        var other = TryJudge(limits)
        #expect(other(.ended(.killed("x")), isComplete: true, now: 0) == .goOn)
        let walltime = TrySighting.ended(.walltime("deadline"))
        #expect(
            other(walltime, isComplete: true, now: 1) == .end(.walltime("deadline"), isOver: true)
        )
    }

    @Test func runningIsToldOnce() {
        var judge = TryJudge(limits)
        #expect(judge(.running(node: "n"), isComplete: true, now: 0) == .tellRunning("n"))
        #expect(judge(.running(node: "n"), isComplete: true, now: 1) == .goOn)
    }

    @Test func whatIsStuckIsGivenItsTime() {
        var judge = TryJudge(limits)
        let stuck = TrySighting.stuck(.killed("x"), seconds: 60)
        #expect(judge(stuck, isComplete: true, now: 0) == .goOn)
        #expect(judge(stuck, isComplete: true, now: 60) == .end(.killed("x"), isOver: false))
    }

    @Test func twoWaysToBeStuckAreTwoWaits() {
        var judge = TryJudge(limits)
        #expect(judge(.stuck(.killed("x"), seconds: 60), isComplete: true, now: 0) == .goOn)
        #expect(judge(.stuck(.killed("y"), seconds: 90), isComplete: true, now: 59) == .goOn)
        let decision = judge(.stuck(.killed("y"), seconds: 90), isComplete: true, now: 100)
        #expect(decision == .goOn)
    }

    @Test("pods that go on without their Job: the server is asked, late and not of a partial view")
    func orphans() {
        var judge = TryJudge(limits)
        let running = TrySighting.running(node: "n")
        func judged(
            _ now: Double,
            isComplete: Bool = true,
            hasJob: Bool = false
        )
            -> TryJudge.Decision
        {
            judge(running, isComplete: isComplete, hasJob: hasJob, now: now)
        }
        #expect(judged(0) == .tellRunning("n"))
        #expect(judged(89) == .goOn)
        #expect(judged(90) == .confirm)
        judge.deny(now: 90)
        #expect(judged(91) == .goOn)
        #expect(judged(180) == .goOn)
        #expect(judged(181) == .confirm)
        #expect(judged(182, isComplete: false) == .goOn)
        #expect(judged(300) == .goOn, "counted anew")
        #expect(judged(390, hasJob: true) == .goOn)
        #expect(judged(400) == .goOn)
        // A pod that is on its way out has a limit of its own.
        let stuck = TrySighting.stuck(.killed("x"), seconds: 600)
        #expect(judge(stuck, isComplete: true, hasJob: false, now: 401) == .goOn)
        #expect(judge(stuck, isComplete: true, hasJob: false, now: 999) == .goOn)
    }

    @Test("between two attempts an old server does not say why an image does not come")
    func imageCause() {
        var judge = TryJudge(limits)
        let error = PodWait(
            kind: .image,
            text: "ErrImagePull: denied",
            cause: "ErrImagePull: denied"
        )
        let pause = PodWait(kind: .image, text: "ImagePullBackOff: Back-off")
        _ = judge(.waiting(error), isComplete: true, now: 0)
        #expect(
            judge(.waiting(pause), isComplete: true, now: 60)
                == .end(
                    .impossible("ImagePullBackOff: Back-off (for 1m). ErrImagePull: denied"),
                    isOver: false
                )
        )
        var newer = TryJudge(limits)
        let whole = PodWait(kind: .image, text: "ImagePullBackOff: Back-off: ErrImagePull: denied")
        _ = newer(.waiting(error), isComplete: true, now: 0)
        #expect(
            newer(.waiting(whole), isComplete: true, now: 60)
                == .end(
                    .impossible("ImagePullBackOff: Back-off: ErrImagePull: denied (for 1m)"),
                    isOver: false
                )
        )
    }

    @Test func aPodThatTakesTheOldOnesPlaceIsToldOfAsTheFirstWas() {
        var judge = TryJudge(limits)
        let running = TrySighting.running(node: "n")
        #expect(judge(noNode, isComplete: true, now: 0) == .goOn)
        #expect(judge(noNode, isComplete: true, now: 2) == .tellWaiting("no node"))
        #expect(judge(running, isComplete: true, now: 3) == .tellRunning("n"))
        #expect(judge(noNode, isComplete: true, now: 4) == .goOn)
        #expect(judge(noNode, isComplete: true, now: 6) == .tellWaiting("no node"))
        #expect(judge(running, isComplete: true, now: 7) == .tellRunning("n"))
    }
}
