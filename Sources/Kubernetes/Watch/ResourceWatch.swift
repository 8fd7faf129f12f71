// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Transport

/// Knows at any time which objects there are, from a list and what has happened since.
///
/// It lists at the start, after a 410, every `WatchLimits.relist`, and, so that a stream that is
/// blind is found out, when nothing has come for `WatchLimits.stream` times the pages of the last
/// list; else it streams, and resumes from the last version that was handled when a stream ends or
/// is cut. Nothing is told out of order, and nothing is left out but what was over before a list.
package struct ResourceWatch<Resource: ClusterResource>: Sendable {
    private let client: KubernetesClient
    private let selector: LabelSelector
    private let limits: WatchLimits

    package init(
        _ client: KubernetesClient,
        selector: LabelSelector,
        limits: WatchLimits = WatchLimits()
    ) {
        // The watch has its own patience, and says what is wrong at once.
        self.client = client.with(retry: .once)
        self.selector = selector
        self.limits = limits
    }

    /// Lists and watches until the task is cancelled, and calls `handle` with one event after the
    /// other. It never gives up: trouble is an event too.
    package func run(_ handle: @Sendable (ResourceEvent<Resource>) async -> Void) async {
        var course = WatchCourse(limits)
        while !Task.isCancelled {
            let problem: KubernetesError?
            switch course.next(now: client.clock.elapsed()) {
            case .list: problem = await list(&course, handle)
            case .stream(let version): problem = await stream(from: version, &course, handle)
            }
            if Task.isCancelled { return }
            if let problem, course.isBlind { await handle(.trouble(problem)) }
            var generator = SystemRandomNumberGenerator()
            let pause = course.pause(after: problem, using: &generator)
            // Cancellation, the one reason to throw, ends the loop.
            if pause > .zero { try? await client.clock.sleep(pause) }
        }
    }

    private func list(
        _ course: inout WatchCourse,
        _ handle: @Sendable (ResourceEvent<Resource>) async -> Void
    ) async -> KubernetesError? {
        do throws(KubernetesError) {
            let list = try await client.list(Resource.self, selector)
            course.hasListed(
                at: list.resourceVersion,
                count: list.items.count,
                now: client.clock.elapsed()
            )
            await handle(.listed(list.items))
            return nil
        } catch {
            return course.listFailed(error)
        }
    }

    private func stream(
        from version: String,
        _ course: inout WatchCourse,
        _ handle: @Sendable (ResourceEvent<Resource>) async -> Void
    ) async -> KubernetesError? {
        let start = client.clock.elapsed()
        let feed = WatchFeed(limits)
        var stream = WatchCourse.Stream(end: .complete)
        var end: WatchCourse.End?
        async let outcome = open(from: version, feed)
        items: for await item in feed.items {
            switch item {
            case .began:
                stream.hasBegun = true
                if course.streamBegan() { await handle(.recovered) }
            case .line(let bytes):
                end = await take(bytes, &course, handle)
                if end != nil { break items }
                stream.lines += 1
                feed.handled(bytes.count)
            }
        }
        // Leaving without asking for the outcome cancels the request.
        if let end { stream.end = end } else { stream.end = await outcome }
        let now = client.clock.elapsed()
        stream.lasted = now - start
        return course.ended(stream, now: now)
    }

    /// - Returns: what ends the stream, if anything.
    private func take(
        _ bytes: [UInt8],
        _ course: inout WatchCourse,
        _ handle: @Sendable (ResourceEvent<Resource>) async -> Void
    ) async -> WatchCourse.End? {
        let line: WatchLine<Resource>
        do { line = try WatchLine(bytes) } catch {
            return .spoiled(spoiled(KubernetesClient.words(error)))
        }
        switch line {
        case .changed(let resource): await handle(.changed(resource))
        case .deleted(let resource): await handle(.deleted(resource))
        case .bookmark: break
        case .failed(let status):
            if status.isExpired { return .expired }
            return .spoiled(spoiled("\(status.code) \(status.message.utf8.prefix(500).logSafe)"))
        }
        course.advance(to: line.version)
        return nil
    }

    private func open(from version: String, _ feed: WatchFeed) async -> WatchCourse.End {
        defer { feed.end() }
        let url = ClusterURL(Resource.kind, namespace: client.namespace)
            .with("labelSelector", selector.text.isEmpty ? nil : selector.text)
            .with("watch", "true")
            .with("allowWatchBookmarks", "true")
            .with("resourceVersion", version)
            .with("timeoutSeconds", String(max(1, limits.stream.components.seconds)))
        var request = ClusterRequest(call, url)
        request.silenceLimit = limits.silence
        request.silenceRate = 1
        let prepared = request
        do throws(KubernetesError) {
            try await client.run(call) { pass, _ throws(CallFailure) in
                try await client.send(prepared, pass, on: pass.transports.calls, to: feed)
            }
            return .complete
        } catch {
            guard feed.fault == .lineTooLong else { return .failed(error) }
            return .spoiled(spoiled("an event is longer than \(limits.lineBytes) bytes"))
        }
    }

    private var call: ClusterCall {
        ClusterCall(verb: .watch, kind: Resource.kind, namespace: client.namespace)
    }

    private func spoiled(_ why: String) -> KubernetesError {
        KubernetesError(
            .badAnswer,
            what: "The watch cannot go on: \(why)",
            place: "\(call.words.logSafe) at \(client.link.access.server.logSafe)"
        )
    }
}
