// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client
import Synchronization
import TestSupport
import Testing

@testable import HeadNode

@Suite struct StoreExaminationTests {
    private static let noon: Int64 = 1_700_000_000

    private func examine(
        _ store: any ObjectStore,
        sendsChecksums: Bool = true
    ) async throws -> [DoctorFinding] {
        let findings = Mutex<[DoctorFinding]>([])
        await StoreExamination(
            store: store,
            layout: JobLayout(prefix: try KeyPrefix("p"), instance: try InstanceName("main")),
            sendsChecksums: sendsChecksums,
            nonce: "abc",
            now: { Self.noon }
        )
        .run { finding in findings.withLock { $0.append(finding) } }
        return findings.withLock(\.self)
    }

    private func good(
        _ inner: InMemoryObjectStore = InMemoryObjectStore()
    ) -> AlteredStore {
        AlteredStore(inner: inner) {
            var info = $0
            info.lastModified = Self.noon
            return info
        }
    }

    private func finding(
        _ check: String,
        _ store: AlteredStore
    ) async throws -> DoctorFinding {
        try #require(try await examine(store).first { $0.check == check })
    }

    @Test func aGoodStorePassesAndIsLeftAsItWas() async throws {
        let inner = InMemoryObjectStore()
        _ = try await inner.put(try ObjectKey("p/doctor/abcd"), bytes: [1])
        let findings = try await examine(good(inner))
        #expect(findings.allSatisfy { $0.verdict == .ok }, "\(findings)")
        #expect(
            findings.map(\.check) == [
                "bucket", "put", "conditional put", "multipart", "copy", "list", "checksum",
                "clock",
                "delete",
            ]
        )
        #expect(inner.keys == [try ObjectKey("p/doctor/abcd")])
        #expect(inner.openUploads == 0)
        let touched = Set(inner.calls.compactMap(\.key))
            .filter { !$0.hasPrefix("p/doctor/abc/".utf8) }
        #expect(touched == [try ObjectKey("p/doctor/abcd")])
    }

    @Test func twoWinnersAreAFailure() async throws {
        var store = good()
        store.forgetsConditions = true
        let found = try await finding("conditional put", store)
        #expect(found.verdict == .fail)
        #expect(found.what == "3 of three writers were told that they alone had made the object")
        #expect(found.remedy.contains("If-None-Match"))
    }

    @Test func aStoreThatKeepsNoChecksumsIsWarnedOf() async throws {
        var store = good()
        store.alter = {
            var info = $0
            info.checksum = nil
            info.lastModified = Self.noon
            return info
        }
        #expect(try await finding("checksum", store).verdict == .warn)
        store.takesWrongChecksums = true
        #expect(
            try await finding("checksum", store).what == "the store does not know CRC64NVME"
        )
    }

    @Test func aWrongChecksumThatIsTakenIsWarnedOf() async throws {
        var store = good()
        store.takesWrongChecksums = true
        let found = try await finding("checksum", store)
        #expect(found.verdict == .warn)
        #expect(found.what == "CRC64NVME is kept, but a wrong one is taken as well")
    }

    @Test func anotherChecksumThanTheObjectsIsAFailure() async throws {
        var store = good()
        store.alter = {
            var info = $0
            info.checksum = CRC64NVME(of: [7])
            info.lastModified = Self.noon
            return info
        }
        let findings = try await examine(store)
        #expect(findings.contains { $0.check == "checksum" && $0.verdict == .fail })
        #expect(findings.contains { $0.check == "multipart" && $0.verdict == .fail })
    }

    @Test func checksumsThatAreOffAreNotTried() async throws {
        let findings = try await examine(good(), sendsChecksums: false)
        let found = try #require(findings.first { $0.check == "checksum" })
        #expect(found.verdict == .warn)
        #expect(found.what.contains("when_required"))
    }

    @Test(
        arguments: [
            (0, DoctorFinding.Verdict.ok), (60, .ok), (-60, .ok), (61, .warn), (-899, .warn),
            (900, .fail), (-5000, .fail),
        ] as [(Int64, DoctorFinding.Verdict)]
    )
    func clocksMayDifferALittle(_ seconds: Int64, _ verdict: DoctorFinding.Verdict) async throws {
        var store = good()
        store.alter = {
            var info = $0
            info.lastModified = Self.noon + seconds
            return info
        }
        let found = try await finding("clock", store)
        #expect(found.verdict == verdict, "\(found)")
        if verdict != .ok { #expect(found.what.contains(seconds < 0 ? "behind" : "ahead")) }
    }

    @Test func whatStaysAfterADeleteIsNamed() async throws {
        var store = good()
        store.keepsDeleted = true
        let found = try await finding("delete", store)
        #expect(found.verdict == .fail)
        #expect(found.what == "p/doctor/abc/checksum is deleted and still there")
    }

    @Test func aListThatLagsIsWarnedOf() async throws {
        var store = good()
        store.listsNothing = true
        #expect(try await finding("list", store).verdict == .warn)
    }

    @Test func aBucketThatCannotBeReachedEndsIt() async throws {
        let inner = InMemoryObjectStore { call throws(S3Error) in
            throw S3Error(.unreachable, what: "Cannot list: no route", remedy: "Plug it in.")
        }
        let findings = try await examine(good(inner))
        #expect(findings.map(\.verdict) == [.fail, .warn])
        #expect(
            findings.first
                == .fail("bucket", "Cannot list: no route", "Plug it in.")
        )
        #expect(inner.calls.count <= 1)
    }

    @Test func withoutTheRightToPutNothingElseIsTried() async throws {
        let inner = InMemoryObjectStore { call throws(S3Error) in
            if call.kind == .put { throw S3Error(.accessDenied, what: "denied", remedy: "Allow.") }
        }
        let findings = try await examine(good(inner))
        #expect(findings.map(\.check) == ["bucket", "put", "store", "delete"])
        #expect(findings.map(\.verdict) == [.ok, .fail, .warn, .ok])
    }

    /// One examination that fails does not hide the others, and what was made goes all the same.
    @Test func aCopyThatIsDeniedIsOneFailure() async throws {
        let inner = InMemoryObjectStore { call throws(S3Error) in
            if call.kind == .copy { throw S3Error(.accessDenied, what: "denied", remedy: "Allow.") }
        }
        let findings = try await examine(good(inner))
        let failed = findings.filter { $0.verdict == .fail }.map(\.check)
        #expect(failed == ["copy"])
        #expect(inner.keys == [])
    }
}

@Suite struct DoctorFindingTests {
    @Test func aLineSaysWhatAndWhatToDo() {
        #expect(DoctorFinding.ok("put", "stored").line == "ok    put              stored")
        #expect(
            DoctorFinding.fail("clock", "900 s ahead", "Set it.").line
                == "FAIL  clock            900 s ahead. Set it."
        )
        #expect(
            DoctorFinding.warn("list", "slow").json
                == #"{"check":"list","remedy":"","verdict":"warn","what":"slow"}"#
        )
    }
}
