// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names
import S3Client
import Staging

/// What Galaxy servers of one instance have signed, held against the disk that is seen here.
///
/// What a disk says to be gone counts only where no other Galaxy has signed: a machine that was cloned has
/// everything the first one has, but not the words that this one has written since.
struct GalaxySigns: Sendable {
    let store: any ObjectStore
    let layout: JobLayout
    /// How long is waited before a disk is looked at again: one over a network may show a word late.
    var pauses: [Duration] = []

    /// A server that is served signs several times in as many seconds.
    static let longestSilence: Int64 = 3600

    struct Found: Sendable, Equatable {
        let key: ObjectKey
        let sign: DiskSign
        /// Seconds since 1970; nil where the store does not say.
        let signed: Int64?
    }

    /// All that have ever signed.
    func all() async throws(HeadError) -> [Found] {
        let action = "Cannot find out which Galaxies use the bucket"
        let entries = try await storing(action) { () async throws(S3Error) in
            try await store.entries(below: layout.signs)
        }
        return try await staging(action) { () async throws(StagingError) in
            var all: [Found] = []
            for entry in entries {
                let sign = try await DocumentStore(store)
                    .read(DiskSign.self, at: entry.key, name: "sign")
                if let sign {
                    all.append(Found(key: entry.key, sign: sign, signed: entry.lastModified))
                }
            }
            return all
        }
    }

    /// Those whose disk is not the one that is seen here.
    func strangers() async throws(HeadError) -> [Found] {
        var strangers = try await all().filter { !$0.isHere }
        for pause in pauses where !strangers.isEmpty {
            // Who is cancelled learns it from the next request.
            try? await Task.sleep(for: pause)
            strangers = try await all().filter { !$0.isHere }
        }
        return strangers
    }

    /// - Throws: `.busy` when another Galaxy may live that takes itself for this one.
    func check() async throws(HeadError) {
        guard let stranger = try await strangers().first else { return }
        throw refusal(toFreeBeside: stranger)
    }

    func refusal(toFreeBeside stranger: Found) -> HeadError {
        refusal(
            stranger,
            "Nothing is freed: another Galaxy may be instance \(layout.instance) here too",
            "If Galaxy's files are there, run this where they are seen at the same paths. If these "
                + "are two Galaxies, as after a machine was cloned, give one of them another "
                + "`instance`. If that one is gone for good, `galaxy-head-node gc --adopt` says so."
        )
    }

    /// Takes away what others have signed that live no more. One that does live signs again.
    ///
    /// - Parameter now: by the store's clock, in seconds since 1970.
    /// - Returns: who they were.
    /// - Throws: `.busy` when one of them has signed lately; then nothing is changed.
    func adopt(now: Int64) async throws(HeadError) -> [Found] {
        let strangers = try await strangers()
        let living = strangers.first { now - ($0.signed ?? now) < Self.longestSilence }
        if let living { throw refusal(toAdopt: living) }
        try await storing("Cannot forget a Galaxy that is gone") { () async throws(S3Error) in
            try await store.delete(strangers.map(\.key))
        }
        return strangers
    }

    func refusal(toAdopt stranger: Found) -> HeadError {
        refusal(
            stranger,
            "Another Galaxy lives that is instance \(layout.instance) too",
            "Give one of the two another `instance`. If it has just been stopped for good, say this "
                + "again in an hour."
        )
    }

    private func refusal(
        _ stranger: Found,
        _ what: String,
        _ remedy: String
    ) -> HeadError {
        let sign = stranger.sign
        let time = stranger.signed.map { " at \(Timestamp(seconds: $0).text)" } ?? ""
        return HeadError(
            .busy,
            what: what,
            place: "server \(Array(sign.server.utf8).logSafe) on \(Array(sign.host.utf8).logSafe) "
                + "signed \(store.url(of: stranger.key))\(time), and what it wrote to \(sign.file) "
                + "is not seen on this machine",
            remedy: remedy
        )
    }
}

extension GalaxySigns.Found {
    /// Whether the word is on the disk that is seen here.
    var isHere: Bool { (try? DiskWords.read(sign.file))?.contains(sign.word) == true }
}
