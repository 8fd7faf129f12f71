// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import FoundationEssentials
import Kubernetes
import S3Client
import Staging
import TestSupport
import Testing

@testable import HeadNode

/// What is said of each kind of failure, to the letter: on a terminal, to programs, to Galaxy. It is
/// read at three in the morning: does it say what failed, where, and what to do?
///
/// `RECORD=1` writes them anew and fails, so that nobody takes the writing for a test.
@Suite struct MessageGoldenTests {
    private static let folder =
        String(#filePath.dropLast("MessageGoldenTests.swift".count)) + "Golden/"

    @Test(arguments: FailureSample.all)
    func isSaidLikeThis(_ sample: FailureSample) async throws {
        let outcome = try await sample.make()
        let text = """
            On a terminal:
            \(try outcome.terminal)

            For programs:
            \(try outcome.json)

            For Galaxy:
            \(try outcome.plugin)

            """
        #expect(!text.contains(ScriptedFailure.secret))
        let path = Self.folder + sample.name + ".txt"
        if ProcessInfo.processInfo.environment["RECORD"] != nil {
            try ChildProcess.write(Array(text.utf8), to: path)
            Issue.record("\(sample.name) was recorded")
            return
        }
        #expect(text == String(decoding: try ChildProcess.contents(of: path), as: UTF8.self))
    }

    @Test(arguments: FailureSample.all)
    func saysWhatToDo(_ sample: FailureSample) async throws {
        switch try await sample.make() {
        case .refused(let error): #expect(!error.firstRemedy.isEmpty, "\(error.line)")
        case .misconfigured(let error):
            for problem in error.problems { #expect(!problem.remedy.isEmpty, "\(problem.line)") }
        case .ended(let ending):
            // What the tool itself did wrong is its author's affair, and cancelling the user's wish.
            let isExplained = ending.state == .toolFailed || ending.state == .cancelled
            let sentences = ending.message.split(separator: ". ")
            #expect(sentences.count > 1 || isExplained, "\(ending.message)")
        }
    }

    /// Kinds that no administrator ever reads.
    private static let unread: [String: String] = [
        "HeadError.cancelled": "it is the end of a run, and has no error",
        "S3Error.cancelled": "whoever cancels knows it",
        "StagingError.cancelled": "whoever cancels knows it",
        "KubernetesError.cancelled": "whoever cancels knows it",
        "S3Error.source": "becomes the error of the file",
        "S3Error.sink": "becomes the error of the file",
        "S3Error.precondition-failed": "somebody else was first, which is an answer",
        "S3Error.no-such-upload": "begun again",
        "KubernetesError.not-found": "an answer",
        "KubernetesError.not-started": "asked for again",
        "KubernetesError.already-exists": "adopted, or refused by name",
        "KubernetesError.expired": "listed anew",
        "KubernetesError.conflict": "made again",
    ]

    @Test func noKindIsForgotten() async throws {
        var said: Set<String> = []
        for sample in FailureSample.all { said.formUnion(try await sample.make().kinds) }
        let all =
            HeadError.Code.allCases.map { "HeadError.\($0.rawValue)" }
            + StagingError.Code.allCases.map { "StagingError.\($0.rawValue)" }
            + S3Error.Code.allCases.map { "S3Error.\($0.rawValue)" }
            + KubernetesError.Code.allCases.map { "KubernetesError.\($0.rawValue)" }
        for kind in all where Self.unread[kind] == nil {
            #expect(said.contains(kind), "no golden message shows \(kind)")
        }
        for kind in Self.unread.keys {
            #expect(all.contains(kind) && !said.contains(kind), "\(kind) is read after all")
        }
    }
}
