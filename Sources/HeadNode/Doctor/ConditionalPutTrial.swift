// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import S3Client

/// Finds out whether a store honours `If-None-Match: *`. What makes one attempt of a run count, and no
/// other, is such a put.
struct ConditionalPutTrial: Sendable {
    static let remedy =
        "Upgrade the store to one that honours If-None-Match: *; without it two attempts of a "
        + "run can both believe that they have won."

    let store: any ObjectStore
    /// An object of the trial's own.
    let key: ObjectKey

    /// Two writers at once, then a third: one may win, and what it wrote must stay.
    ///
    /// - Returns: what is wrong, without a full stop; nil when nothing is.
    func atOnce() async throws(S3Error) -> String? {
        async let first = attempt([1])
        async let second = attempt([2])
        let wins = [try await first.get(), try await second.get()]
        let third = try await attempt([3]).get()
        let there = try await store.bytes(of: key, limit: 16)?.bytes
        let winners = wins.filter(\.self).count
        if winners == 1, !third, there == [wins[0] ? 1 : 2] { return nil }
        let many = winners + (third ? 1 : 0)
        return many > 1
            ? "\(many) of three writers were told that they alone had made the object"
            : "none of three writers could make the object"
    }

    /// One writer after the other, of an object that stays: a single small request, but for the first
    /// time.
    ///
    /// - Returns: what is wrong, without a full stop; nil when nothing is.
    func inTurn() async throws(S3Error) -> String? {
        do throws(S3Error) {
            // Somebody was here before, and the store says so.
            guard try await attempt([1]).get() else { return nil }
            guard try await attempt([2]).get() else { return nil }
            return "Two writers of one object were both told that they alone had made it"
        } catch {
            // Who refuses the condition alone takes the same put without it.
            let refusal = error
            guard refusal.code == .refused else { throw refusal }
            do throws(S3Error) { _ = try await store.put(key, bytes: [1]) } catch { throw refusal }
            return "The store refuses to put an object on condition that there is none"
        }
    }

    /// Whether this writer has made the object.
    private func attempt(_ bytes: [UInt8]) async -> Result<Bool, S3Error> {
        do throws(S3Error) {
            _ = try await store.put(key, bytes: bytes, options: PutOptions(condition: .absent))
            return .success(true)
        } catch {
            return error.code == .preconditionFailed ? .success(false) : .failure(error)
        }
    }
}

extension HeadError {
    /// The store must not be used, because it does not honour conditions.
    ///
    /// - Parameters:
    ///   - wrong: what it does instead, without a full stop.
    ///   - url: where that was tried out.
    static func unconditional(_ wrong: String, _ url: String) -> HeadError {
        HeadError(
            .store,
            what: wrong,
            place: url,
            remedy: ConditionalPutTrial.remedy
        )
    }
}
