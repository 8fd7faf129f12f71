// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Glibc
import Names
import S3Client
import Staging
import Synchronization
import TestSupport
import Testing

@testable import HeadNode

@Suite struct FolderCopyTests {
    /// A directory that is gone after `body`.
    private func with(_ body: (String) async throws -> Void) async throws {
        var template = Array("/tmp/galaxy-s3-folder-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
        defer { _ = try? Shell.run("rm -rf '\(folder)'") }
        try await body(folder)
    }

    /// What a copy came to.
    private struct Outcome {
        var count = CopyTally.Count()
        var failures: [String] = []
        var skipped = 0
    }

    private let limits = TransferLimits(
        parallel: 3,
        partBytes: 5 << 20,
        thresholdBytes: 5 << 20
    )

    private func tallied(
        _ work: (CopyTally) async throws -> Int
    ) async throws -> Outcome {
        let failures = Mutex<[String]>([])
        let tally = CopyTally { error in failures.withLock { $0.append(error.line) } }
        let skipped = try await work(tally)
        return Outcome(
            count: tally.reading,
            failures: failures.withLock { $0 },
            skipped: skipped
        )
    }

    private func upload(
        _ path: String,
        to store: any ObjectStore,
        below prefix: String = "p/",
        skipsLinks: Bool = false
    ) async throws -> Outcome {
        try await tallied { tally in
            try await FolderUpload(
                store: store,
                limits: limits,
                parallel: 4,
                skipsLinks: skipsLinks,
                meter: PhaseMeter("upload"),
                tally: tally
            )
            .run(from: FolderPath(Array(path.utf8)), below: Array(prefix.utf8))
        }
    }

    private func download(
        _ store: any ObjectStore,
        to path: String,
        below prefix: String = "p/"
    ) async throws -> Outcome {
        try await tallied { tally in
            try await FolderDownload(
                store: store,
                limits: limits,
                parallel: 4,
                meter: PhaseMeter("download"),
                tally: tally
            )
            .run(below: Array(prefix.utf8), to: FolderPath(Array(path.utf8)))
            return 0
        }
    }

    private func contents(_ path: String) throws -> [String: String] {
        try FileTree(path).entries.filter { $0.value.kind != "directory" }
            .reduce(into: [:]) { $0[$1.key.logSafe] = $1.value.content }
    }

    private func fill(_ folder: String) throws {
        try Shell.run(
            """
            cd '\(folder)'; mkdir -p a/b .c empty
            echo one > a/one; echo two > a/b/two; echo three > .c/.three; : > a/nothing
            head -c 12000000 /dev/urandom > large; echo odd > $'a/\\377 \\n%2F+'
            """
        )
    }

    @Test(arguments: [false, true])
    func thereAndBackIsTheSame(confirmsPuts: Bool) async throws {
        try await with { folder in
            try Shell.run("mkdir '\(folder)/in'")
            try fill("\(folder)/in")
            let store = InMemoryObjectStore(confirmsPuts: confirmsPuts)
            let sent = try await upload("\(folder)/in", to: store)
            #expect(sent.failures == [])
            #expect(sent.count.files == 6)
            #expect(sent.count.bytes == 12_000_000 + 4 + 4 + 6 + 4)
            #expect(sent.count.status == 0)
            #expect(store.keys.contains(try ObjectKey("p/.c/.three")))
            let got = try await download(store, to: "\(folder)/out/deep/")
            #expect(got.failures == [])
            #expect(got.count.files == 6)
            #expect(got.count.bytes == sent.count.bytes)
            let there = try contents("\(folder)/in")
            #expect(try contents("\(folder)/out/deep") == there)
            #expect(there.count == 6)
        }
    }

    /// A small file costs one request each way where the store says what it has got.
    @Test func smallFilesAreOneRequestEach() async throws {
        try await with { folder in
            try Shell.run(
                "mkdir '\(folder)/in'; cd '\(folder)/in'; for i in {1..40}; do echo $i > $i; done"
            )
            let confirming = InMemoryObjectStore(confirmsPuts: true)
            _ = try await upload("\(folder)/in", to: confirming)
            #expect(confirming.calls.count == 40)
            let silent = InMemoryObjectStore()
            _ = try await upload("\(folder)/in", to: silent)
            #expect(silent.calls.count { $0.kind == .head } == 40)
            let before = confirming.calls.count
            _ = try await download(confirming, to: "\(folder)/out")
            #expect(confirming.calls.count - before == 41)
            #expect(confirming.calls.count { $0.kind == .list } == 1)
        }
    }

    @Test func listingsOfManyPagesAreReadToTheEnd() async throws {
        let store = InMemoryObjectStore()
        for number in 0..<2300 { _ = try await store.put(ObjectKey("p/\(number)"), bytes: [1]) }
        _ = try await store.put(ObjectKey("p2"), bytes: [1])
        try await with { folder in
            let got = try await download(store, to: folder)
            #expect(got.count.files == 2300)
            #expect(try contents(folder).count == 2300)
        }
    }

    @Test func linksAreFailuresUnlessTheyAreLeftOut() async throws {
        try await with { folder in
            try Shell.run(
                "cd '\(folder)'; echo 1 > file; ln -s file link; ln -s /etc out; mkfifo pipe"
            )
            let store = InMemoryObjectStore()
            let first = try await upload(folder, to: store)
            #expect(first.count.files == 1)
            #expect(first.count.failed == 3)
            #expect(first.count.status == 1)
            for name in ["link", "out", "pipe"] {
                #expect(first.failures.contains { $0.contains("\(folder)/\(name)") }, "\(name)")
            }
            let second = try await upload(folder, to: store, skipsLinks: true)
            #expect(second.skipped == 2)
            #expect(second.count.failed == 1)
            #expect(store.keys == [try ObjectKey("p/file")])
        }
    }

    /// One that fails does not lose the others.
    @Test func eachFailureIsNamedAndTheRestIsCopied() async throws {
        let store = InMemoryObjectStore { call throws(S3Error) in
            if call.kind == .get, let key = call.key, key.bytes.last == UInt8(ascii: "3") {
                throw S3Error(.accessDenied, what: "Cannot get \(key): access denied")
            }
        }
        for number in 0..<20 { _ = try await store.put(ObjectKey("p/\(number)"), bytes: [7]) }
        store.damage(try ObjectKey("p/5"), at: 0)
        try await with { folder in
            try Shell.run("cd '\(folder)'; mkdir 9; echo old > 3; echo old > 5")
            let got = try await download(store, to: folder)
            #expect(got.count.files == 16)
            #expect(got.count.failed == 4)
            #expect(got.count.status == 1)
            for name in ["p/3:", "p/13:", "p/5", "p/9"] {
                #expect(got.failures.contains { $0.contains(name) }, "\(name): \(got.failures)")
            }
            #expect(try Shell.run("cat '\(folder)/3' '\(folder)/5'") == "old\nold\n")
            #expect(try Shell.run("ls -A '\(folder)' | wc -l") == "19\n")
        }
    }

    @Test func linksInTheTargetAreNotFollowed() async throws {
        let store = InMemoryObjectStore()
        _ = try await store.put(ObjectKey("p/d/file"), bytes: [1])
        _ = try await store.put(ObjectKey("p/link"), bytes: [2])
        try await with { folder in
            try Shell.run(
                "cd '\(folder)'; mkdir out other; ln -s ../other out/d; ln -s ../other/x out/link"
            )
            let got = try await download(store, to: "\(folder)/out")
            #expect(got.count.failed == 1)
            #expect(got.count.files == 1)
            #expect(try Shell.run("ls -A '\(folder)/other'") == "")
            // The link itself is replaced, as rename(2) does.
            #expect(try Shell.run("cd '\(folder)/out'; [ ! -L link ]; wc -c < link") == "1\n")
        }
    }

    /// What is another one than was listed comes as it is, and whole.
    @Test(arguments: [1, 90]) func anObjectThatChangesMeanwhileComesAsItIs(size: Int) async throws {
        let key = try ObjectKey("p/k")
        let late = Mutex<InMemoryObjectStore?>(nil)
        let store = InMemoryObjectStore { call throws(S3Error) in
            guard call.kind == .list, call.isDone else { return }
            let next = [UInt8](repeating: 6, count: size)
            _ = try await late.withLock { $0 }?.put(key, bytes: next)
        }
        late.withLock { $0 = store }
        defer { late.withLock { $0 = nil } }
        _ = try await store.put(key, bytes: [UInt8](repeating: 5, count: 30))
        try await with { folder in
            let got = try await download(store, to: folder)
            #expect(got.failures == [])
            #expect(got.count.bytes == Int64(size))
            #expect(try Shell.run("wc -c < '\(folder)/k'") == "\(size)\n")
        }
    }

    @Test func aStoreThatIsAwayIsNotAskedAgainAndAgain() async throws {
        let store = InMemoryObjectStore { call throws(S3Error) in
            if call.kind == .get { throw S3Error(.unreachable, what: "away") }
        }
        for number in 0..<50 { _ = try await store.put(ObjectKey("p/\(number)"), bytes: [7]) }
        try await with { folder in
            let got = try await download(store, to: folder)
            #expect(got.count.isStopped)
            #expect(got.count.status == 69)
            #expect(got.count.files == 0)
            #expect(store.calls.count { $0.kind == .get } <= 4)
            #expect(try Shell.run("ls -A '\(folder)'") == "")
        }
    }

    /// Cancelled in the middle: what came whole is there, and nothing else is.
    @Test func whatIsInterruptedLeavesWholeFilesOnly() async throws {
        let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
        let store = InMemoryObjectStore { call throws(S3Error) in
            guard call.kind == .get, call.number == 12, !call.isDone else { return }
            arrival.yield()
            do { try await Task.sleep(for: .seconds(3600)) } catch {
                throw S3Error(.cancelled, what: "cancelled")
            }
        }
        for number in 0..<30 { _ = try await store.put(ObjectKey("p/\(number)"), bytes: [7, 8]) }
        try await with { folder in
            let tally = CopyTally { _ in }
            let copy = FolderDownload(
                store: store,
                limits: limits,
                parallel: 1,
                meter: PhaseMeter("download"),
                tally: tally
            )
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    try? await copy.run(
                        below: Array("p/".utf8),
                        to: FolderPath(Array(folder.utf8))
                    )
                }
                for await _ in arrivals { break }
                group.cancelAll()
            }
            #expect(tally.reading.files == 11)
            #expect(tally.reading.isInterrupted)
            let left = try Shell.run("cd '\(folder)'; ls -A | wc -l; find . -type f ! -size 2c")
            #expect(left == "11\n")
        }
    }

    @Test func keysThatAreTooLongAreNamedAndTheRestIsSent() async throws {
        try await with { folder in
            let long = String(repeating: "n", count: 40)
            try Shell.run("cd '\(folder)'; echo 1 > short; echo 2 > \(long)")
            let store = InMemoryObjectStore()
            let prefix = String(repeating: "p", count: 1000) + "/"
            let sent = try await upload(folder, to: store, below: prefix)
            #expect(sent.count.files == 1)
            #expect(sent.count.failed == 1)
            #expect(sent.failures.first?.contains("1024") == true)
        }
    }

    @Test func aDirectoryThatIsNotThereIsSaid() async throws {
        await #expect(throws: S3Error.self) {
            _ = try await upload("/nowhere/at/all", to: InMemoryObjectStore())
        }
    }
}
