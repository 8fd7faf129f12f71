// SPDX-License-Identifier: Apache-2.0

import Digests
import FoundationEssentials
import Names
import S3Client
import Staging
import TestSupport
import Testing

@testable import HeadNode

@Suite struct ObjectCopyTests {
    private let folder = FileManager.default.temporaryDirectory
        .appending(path: "head-copy-\(UInt64.random(in: 0 ... .max))").path
    private let bytes = (0..<(6 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

    private func with(_ body: (String) async throws -> Void) async throws {
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    private func copy(_ store: any ObjectStore) -> ObjectCopy {
        ObjectCopy(
            store: store,
            limits: TransferLimits(parallel: 3, partBytes: 5 << 20, thresholdBytes: 5 << 20),
            meter: PhaseMeter("copy")
        )
    }

    private func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    @Test func thereAndBackIsTheSame() async throws {
        try await with { folder in
            let store = InMemoryObjectStore()
            let key = try ObjectKey("a/b")
            try Data(bytes).write(to: URL(filePath: "\(folder)/in"))
            let sent = try await copy(store).upload(Array("\(folder)/in".utf8), to: key)
            #expect(sent.checksum == CRC64NVME(of: bytes))
            let copy = copy(store)
            let got = try await copy.download(key, to: Array("\(folder)/out".utf8))
            #expect(got == sent)
            #expect(copy.meter.reading.bytes == Int64(bytes.count))
            #expect(try Array(Data(contentsOf: URL(filePath: "\(folder)/out"))) == bytes)
            #expect(try names(in: folder) == ["in", "out"])
        }
    }

    @Test func anEmptyFileIsAnEmptyObject() async throws {
        try await with { folder in
            let store = InMemoryObjectStore()
            let key = try ObjectKey("empty")
            try Data().write(to: URL(filePath: "\(folder)/in"))
            _ = try await copy(store).upload(Array("\(folder)/in".utf8), to: key)
            #expect(store.storedBytes(key) == [])
            _ = try await copy(store).download(key, to: Array("\(folder)/out".utf8))
            #expect(try names(in: folder) == ["in", "out"])
        }
    }

    /// What was there stays until all of the new is there and right.
    @Test func aDamagedObjectReplacesNothing() async throws {
        try await with { folder in
            let store = InMemoryObjectStore()
            let key = try ObjectKey("a")
            _ = try await store.put(key, bytes: bytes)
            store.damage(key, at: 12345)
            try Data([1, 2, 3]).write(to: URL(filePath: "\(folder)/out"))
            let error = await #expect(throws: S3Error.self) {
                _ = try await copy(store).download(key, to: Array("\(folder)/out".utf8))
            }
            #expect(error?.code == .corrupted)
            #expect(try names(in: folder) == ["out"])
            #expect(try Array(Data(contentsOf: URL(filePath: "\(folder)/out"))) == [1, 2, 3])
        }
    }

    @Test func whatIsNotThereLeavesNothing() async throws {
        let key = try ObjectKey("no")
        try await with { folder in
            let error = await #expect(throws: S3Error.self) {
                _ = try await copy(InMemoryObjectStore())
                    .download(key, to: Array("\(folder)/out".utf8))
            }
            #expect(error?.code == .noSuchKey)
            #expect(error?.exitStatus == 66)
            let left = try names(in: folder)
            #expect(left == [])
        }
    }

    @Test func filesThatAreNotAreRefused() async throws {
        let key = try ObjectKey("k")
        try await with { folder in
            let store = InMemoryObjectStore()
            for path in ["\(folder)", "\(folder)/nothing", "/dev/null"] {
                await #expect(throws: S3Error.self) {
                    _ = try await copy(store).upload(Array(path.utf8), to: key)
                }
            }
            #expect(store.keys == [])
        }
    }

    /// Somebody else wrote there between our upload and our look.
    @Test func anUploadThatIsNotThereAfterwardsIsNoSuccess() async throws {
        let key = try ObjectKey("k")
        try await with { folder in
            var store = AlteredStore(inner: InMemoryObjectStore())
            store.alter = {
                var info = $0
                info.size += 1
                return info
            }
            try Data([1]).write(to: URL(filePath: "\(folder)/in"))
            let error = await #expect(throws: S3Error.self) {
                _ = try await copy(store)
                    .upload(Array("\(folder)/in".utf8), to: key)
            }
            #expect(error?.code == .corrupted)
        }
    }

    @Test func aNameOfAnyBytesCanArrive() async throws {
        try await with { folder in
            let store = InMemoryObjectStore()
            let key = try ObjectKey("k")
            _ = try await store.put(key, bytes: [9])
            let name = Array("\(folder)/".utf8) + [0xFF] + [UInt8](repeating: 0x61, count: 254)
            _ = try await copy(store).download(key, to: name)
            #expect(try SmallFile.read(bytes: name, limit: 10) == [9])
        }
    }
}

@Suite struct ObjectLineTests {
    private let page = ListPage(
        entries: [
            ListPage.Entry(key: .made("b"), size: 5, eTag: ETag("\"e\""), lastModified: 0),
            ListPage.Entry(key: .made("c\u{1B}[2J"), size: 1_234_567, lastModified: 1_700_000_000),
        ],
        commonPrefixes: [Array("a/".utf8), Array("bb/".utf8)]
    )

    @Test func peopleSeeTimeSizeAndKeyInOrder() {
        #expect(
            ObjectLine.lines(of: page, json: false) == [
                "                                   -  a/",
                "1970-01-01T00:00:00Z               5  b",
                "                                   -  bb/",
                "2023-11-14T22:13:20Z         1234567  c\\x1b[2J",
            ]
        )
    }

    @Test func programsSeeJSON() {
        #expect(
            ObjectLine.lines(of: page, json: true) == [
                #"{"prefix":"a/"}"#,
                #"{"etag":"\"e\"","key":"b","modified":0,"size":5}"#,
                #"{"prefix":"bb/"}"#,
                #"{"key":"c\u001b[2J","modified":1700000000,"size":1234567}"#,
            ]
        )
    }

    @Test func keysThatAreNotTextAreBase64() throws {
        let entry = ListPage.Entry(key: try ObjectKey([0xFF]), size: 0)
        #expect(
            ObjectLine.lines(of: ListPage(entries: [entry]), json: true) == [
                #"{"key":{"base64":"/w=="},"size":0}"#
            ]
        )
    }
}

extension ObjectKey {
    fileprivate static func made(_ text: String) -> ObjectKey {
        guard let key = try? ObjectKey(text) else { preconditionFailure("a test's key is one") }
        return key
    }
}
