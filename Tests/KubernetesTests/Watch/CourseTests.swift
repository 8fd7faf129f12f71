// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Kubernetes

/// What a watch does next, without any server.
@Suite struct CourseTests {
    private static let trouble = KubernetesError(.unavailable, what: "x")
    private static let refusal = KubernetesError(.forbidden, what: "x")

    private func listed(_ count: Int = 1) -> WatchCourse {
        var course = WatchCourse(WatchLimits())
        course.hasListed(at: "5", count: count, now: .zero)
        return course
    }

    @Test func `It begins with a list and goes on from its version`() {
        #expect(WatchCourse(WatchLimits()).next(now: .zero) == .list)
        #expect(listed().next(now: .zero) == .stream(version: "5"))
    }

    @Test func `Everything is listed again when it is time to`() {
        let course = listed()
        #expect(course.next(now: .seconds(599)) == .stream(version: "5"))
        #expect(course.next(now: .seconds(600)) == .list)
    }

    @Test func `A stream goes on where the last event or bookmark was`() {
        var course = listed()
        course.advance(to: "9")
        course.advance(to: "")
        let stream = WatchCourse.Stream(
            end: .complete,
            hasBegun: true,
            lines: 1,
            lasted: .seconds(25)
        )
        #expect(course.ended(stream, now: .seconds(25)) == nil)
        #expect(course.next(now: .seconds(25)) == .stream(version: "9"))
        #expect(course.failures == 0)
    }

    @Test func `What is too old is listed again, and is no trouble`() {
        for end in [WatchCourse.End.expired, .failed(KubernetesError(.expired, what: "x"))] {
            var course = listed()
            #expect(course.ended(WatchCourse.Stream(end: end), now: .zero) == nil)
            #expect(course.next(now: .zero) == .list)
            #expect(course.failures == 1, "a server that always says so is not asked in a loop")
        }
    }

    /// F26: nothing came. A list of one page finds out within half a minute.
    @Test func `A stream that was silent makes it look`() {
        for end in [WatchCourse.End.complete, .failed(Self.trouble)] {
            var course = listed(500)
            let stream = WatchCourse.Stream(end: end, hasBegun: true, lasted: .seconds(30))
            #expect(course.ended(stream, now: .seconds(30)) == nil)
            #expect(course.next(now: .seconds(30)) == .list)
        }
    }

    @Test func `The more a look costs, the rarer it is`() {
        var course = listed(2000)
        let stream = WatchCourse.Stream(end: .complete, hasBegun: true, lasted: .seconds(25))
        for round in 1...3 {
            #expect(course.ended(stream, now: .seconds(25 * round)) == nil)
            #expect(course.next(now: .seconds(25 * round)) == .stream(version: "5"))
        }
        #expect(course.ended(stream, now: .seconds(100)) == nil)
        #expect(course.next(now: .seconds(100)) == .list)
    }

    @Test func `A cut after progress is resumed at once`() {
        var course = listed()
        for _ in 0..<5 {
            let stream = WatchCourse.Stream(end: .failed(Self.trouble), hasBegun: true, lines: 3)
            #expect(course.ended(stream, now: .zero) == nil)
            #expect(course.failures == 1)
            #expect(course.next(now: .zero) == .stream(version: "5"))
        }
    }

    @Test func `Trouble is told, and the version is kept`() {
        var course = listed()
        for count in 1...3 {
            let told = course.ended(WatchCourse.Stream(end: .failed(Self.trouble)), now: .zero)
            #expect(told?.code == .unavailable)
            #expect(course.failures == count)
            #expect(course.next(now: .zero) == .stream(version: "5"))
        }
        let told = [course.streamBegan(), course.streamBegan()]
        #expect(told == [true, false], "the end of trouble is told, once")
    }

    @Test func `Who may not watch may still list`() {
        var course = listed()
        let told = course.ended(WatchCourse.Stream(end: .failed(Self.refusal)), now: .zero)
        #expect(told?.code == .forbidden)
        #expect(course.next(now: .zero) == .list)
    }

    @Test func `What cannot be read leads to a list`() {
        var course = listed()
        let stream = WatchCourse.Stream(end: .spoiled(Self.refusal), hasBegun: true, lines: 4)
        #expect(course.ended(stream, now: .zero)?.code == .forbidden)
        #expect(course.next(now: .zero) == .list)
    }

    @Test func `Pauses grow to half a minute and honour the server's wish`() {
        var generator = SeededGenerator(seed: 3)
        var course = listed()
        #expect(course.pause(after: nil, using: &generator) == .zero)
        for _ in 0..<30 {
            _ = course.listFailed(Self.trouble)
            #expect(course.pause(after: Self.trouble, using: &generator) <= .seconds(30))
        }
        let busy = KubernetesError(.busy, what: "x", retryAfter: .seconds(50))
        #expect(course.pause(after: busy, using: &generator) >= .seconds(50))
    }

    @Test func `A server that ends streams at once is not asked in a loop`() {
        var course = listed()
        for count in 1...4 {
            let stream = WatchCourse.Stream(end: .complete, hasBegun: true)
            _ = course.ended(stream, now: .zero)
            #expect(course.failures == count)
        }
    }

    @Test func `A list without a version can only be listed again`() {
        var course = WatchCourse(WatchLimits())
        course.hasListed(at: "", count: 0, now: .zero)
        #expect(course.next(now: .zero) == .list)
        #expect(course.failures == 1)
    }
}
