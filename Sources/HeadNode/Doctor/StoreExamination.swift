// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client
import Staging
import Transport

/// Tries out, in a folder of its own, everything that jobs ask of a store, and removes what it
/// made.
struct StoreExamination: Sendable {
    typealias Report = @Sendable (DoctorFinding) -> Void

    private static let partBytes = PartPlan.smallestPartBytes
    /// A clock that is further off is worth a word; S3 refuses requests from 15 minutes on.
    private static let clockSlackSeconds: Int64 = 60
    private static let clockLimitSeconds: Int64 = 15 * 60

    let store: any ObjectStore
    let layout: JobLayout
    /// Whether checksums are sent at all.
    let sendsChecksums: Bool
    let nonce: String
    /// Seconds since 1970.
    let now: @Sendable () -> Int64

    init(
        store: any ObjectStore,
        layout: JobLayout,
        sendsChecksums: Bool,
        nonce: String = Nonce.draw(),
        now: @escaping @Sendable () -> Int64
    ) {
        self.store = store
        self.layout = layout
        self.sendsChecksums = sendsChecksums
        self.nonce = nonce
        self.now = now
    }

    /// Examines everything, one after the other, and reports each as soon as it is known.
    func run(_ report: Report) async {
        let bucket = await finding("bucket", reach)
        report(bucket)
        guard bucket.verdict != .fail else {
            report(.warn("store", "nothing else was tried, because the bucket cannot be reached"))
            return
        }
        let put = await finding("put", putAndRead)
        report(put)
        if put.verdict == .fail {
            report(.warn("store", "nothing else was tried, because nothing can be stored"))
        } else {
            report(await finding("conditional put", conditionalPut))
            report(await finding("multipart", multipart))
            report(await finding("copy", copy))
            report(await finding("list", list))
            report(await finding("checksum", checksum))
            report(await finding("clock", clock))
        }
        report(await finding("delete", removeAll))
    }

    private typealias Check = (String) async throws(S3Error) -> DoctorFinding

    private func finding(_ check: String, _ body: Check) async -> DoctorFinding {
        do throws(S3Error) { return try await body(check) } catch { return .fail(check, error) }
    }

    private func key(_ name: String) -> ObjectKey { layout.doctor(nonce: nonce, name) }

    private var folder: [UInt8] { Array(layout.doctorPrefix(nonce: nonce).utf8) }

    // MARK: Each examination

    private func reach(_ check: String) async throws(S3Error) -> DoctorFinding {
        _ = try await store.list(prefix: folder, delimiter: nil, token: nil, limit: 1)
        return .ok(check, "it is there and may be listed")
    }

    private func putAndRead(_ check: String) async throws(S3Error) -> DoctorFinding {
        let bytes = SecureRandom.bytes(1000)
        _ = try await store.put(key("put"), bytes: bytes)
        guard let back = try await store.bytes(of: key("put"), limit: 4096), back.bytes == bytes
        else {
            return .fail(
                check,
                "what was stored is not what is read back",
                "Do not use this store: it does not keep what it is given."
            )
        }
        return .ok(check, "stored, and read back the same")
    }

    private func conditionalPut(_ check: String) async throws(S3Error) -> DoctorFinding {
        let trial = ConditionalPutTrial(store: store, key: key("conditional"))
        guard let wrong = try await trial.atOnce() else {
            return .ok(check, "of two writers at once one was told 412, and a third too")
        }
        return .fail(check, wrong, ConditionalPutTrial.remedy)
    }

    private func multipart(_ check: String) async throws(S3Error) -> DoctorFinding {
        let bytes =
            [UInt8](repeating: 0x5A, count: Int(Self.partBytes)) + SecureRandom.bytes(1000)
        let limits = TransferLimits(partBytes: Self.partBytes, thresholdBytes: 0)
        let uploaded = try await Upload(to: store, limits: limits)
            .run(MemorySource(bytes), at: key("multipart"))
        let info = try await store.head(key("multipart"))
        guard let info, info.size == Int64(bytes.count),
            info.checksum ?? uploaded.checksum == uploaded.checksum
        else {
            return .fail(
                check,
                "an object in two parts is not what was sent",
                "Do not use this store for large files: its parts do not add up."
            )
        }
        return .ok(check, "an object in two parts is whole")
    }

    private func copy(_ check: String) async throws(S3Error) -> DoctorFinding {
        guard let source = try await store.head(key("put")) else { throw .absent(key("put")) }
        _ = try await store.copy(
            from: key("put"),
            to: key("copy"),
            sourceIfMatch: source.eTag,
            options: PutOptions()
        )
        let before = try await store.bytes(of: key("put"), limit: 4096)?.bytes
        let after = try await store.bytes(of: key("copy"), limit: 4096)?.bytes
        return before == after
            ? .ok(check, "copied inside the store, and the same")
            : .fail(
                check,
                "a copy inside the store is not the same",
                "Do not use this store: it does not keep what it is given."
            )
    }

    private func list(_ check: String) async throws(S3Error) -> DoctorFinding {
        let expected = ["conditional", "copy", "multipart", "put"].map(key)
        let found = try await store.entries(below: folder).map(\.key)
        let missing = expected.first { !found.contains($0) }
        guard let missing else { return .ok(check, "all that was stored is listed at once") }
        return .warn(
            check,
            "\(missing) is stored and not listed",
            "Expect `gc` and `s3 ls` to miss objects for a while."
        )
    }

    private func checksum(_ check: String) async throws(S3Error) -> DoctorFinding {
        guard sendsChecksums else {
            return .warn(
                check,
                "none are sent, because s3.checksums is when_required",
                "Set it to when_supported if the store takes CRC64NVME."
            )
        }
        let bytes = SecureRandom.bytes(1000)
        let right = CRC64NVME(of: bytes)
        _ = try await store.put(
            key("checksum"),
            body: .bytes(bytes),
            checksum: right,
            options: PutOptions()
        )
        let kept = try await store.head(key("checksum"))?.checksum
        let refused = try await refusesWrongChecksum(bytes)
        if let kept, kept != right {
            return .fail(
                check,
                "the store gives another CRC64NVME than the object's",
                "Set s3.checksums to when_required, and tell whoever makes the store."
            )
        }
        switch (kept != nil, refused) {
        case (true, true): return .ok(check, "CRC64NVME is kept, and a wrong one is refused")
        case (true, false):
            return .warn(
                check,
                "CRC64NVME is kept, but a wrong one is taken as well",
                "Expect damage on the way to be found only after an upload, not during it."
            )
        case (false, true):
            return .warn(check, "a wrong CRC64NVME is refused, but the right one is not kept")
        case (false, false):
            return .warn(
                check,
                "the store does not know CRC64NVME",
                "Expect damage on the way to be found only when a file is read."
            )
        }
    }

    private func refusesWrongChecksum(_ bytes: [UInt8]) async throws(S3Error) -> Bool {
        do throws(S3Error) {
            _ = try await store.put(
                key("wrong-checksum"),
                body: .bytes(bytes),
                checksum: CRC64NVME(of: bytes + [0]),
                options: PutOptions()
            )
            return false
        } catch {
            if error.code == .corrupted || error.code == .refused { return true }
            throw error
        }
    }

    private func clock(_ check: String) async throws(S3Error) -> DoctorFinding {
        let before = now()
        _ = try await store.put(key("clock"), bytes: [0])
        let after = now()
        guard let stored = try await store.head(key("clock"))?.lastModified else {
            return .warn(check, "the store does not say when an object was stored")
        }
        // The store's seconds are whole, and it may have taken any moment between the two.
        let difference = stored < before ? stored - before : max(0, stored - after)
        let text =
            "the store's clock is \(abs(difference)) s \(difference < 0 ? "behind" : "ahead")"
        if abs(difference) >= Self.clockLimitSeconds {
            return .fail(check, text, "Set this machine's clock, or the store's; use NTP on both.")
        }
        return abs(difference) > Self.clockSlackSeconds
            ? .warn(check, text, "Use NTP on both; from 15 minutes on requests are refused.")
            : .ok(check, "it and the store's agree within \(max(1, abs(difference))) s")
    }

    private func removeAll(_ check: String) async throws(S3Error) -> DoctorFinding {
        let names = [
            "put", "conditional", "multipart", "copy", "checksum", "wrong-checksum", "clock",
        ]
        try await store.delete(names.map(key))
        try await store.delete(key("put"))
        if let left = try await store.entries(below: folder).first {
            return .fail(
                check,
                "\(left.key) is deleted and still there",
                "Remove it by hand, and see whether the bucket is locked or versioned."
            )
        }
        return .ok(check, "all that was stored here is gone again")
    }
}
