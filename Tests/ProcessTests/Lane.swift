// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Lets only a few tests run at once: each is a handful of processes.
struct Lane: SuiteTrait, TestTrait, TestScoping {
    private static let lanes = Lanes(3)

    var isRecursive: Bool { true }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        // A suite has no case: it only passes the trait on.
        guard testCase != nil else { return try await function() }
        await Self.lanes.take()
        let result = await Result { try await function() }
        await Self.lanes.giveBack()
        try result.get()
    }
}

extension Trait where Self == Lane {
    /// The test starts processes and takes its turn.
    static var processes: Lane { Lane() }
}

private actor Lanes {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) { free = count }

    func take() async {
        if free > 0 {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func giveBack() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}

extension Result where Failure == any Error, Success: Sendable {
    /// What `body` comes to.
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
