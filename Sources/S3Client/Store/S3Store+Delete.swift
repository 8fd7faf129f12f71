// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Digests
import Names
import Transport
import XML

extension S3Store {
    /// The most keys of one request (Amazon S3 API reference, DeleteObjects).
    private static let mostKeys = 1000

    package func delete(_ key: ObjectKey) async throws(S3Error) {
        let call = call(.deleteObject, key)
        try await run(call) { _ throws(AttemptFailure) in
            do throws(AttemptFailure) {
                _ = try await send(S3Request(call, .delete, key))
            } catch {
                if error.status == 404, error.serverCode != "NoSuchBucket" { return }
                throw error
            }
        }
    }

    package func delete(_ keys: [ObjectKey]) async throws(S3Error) {
        // XML 1.0 cannot hold every key; those go one by one.
        var rest = keys.filter { XMLText.escaped($0.bytes) != nil }[...]
        while !rest.isEmpty {
            try await deleteTogether(Array(rest.prefix(Self.mostKeys)))
            rest = rest.dropFirst(Self.mostKeys)
        }
        for key in keys where XMLText.escaped(key.bytes) == nil { try await delete(key) }
    }

    /// Deletes at most 1,000 keys; those that fail for a passing reason are tried again alone.
    private func deleteTogether(_ keys: [ObjectKey]) async throws(S3Error) {
        var left = keys
        try await run(call(.deleteObjects, keys.first)) { _ throws(AttemptFailure) in
            let body = Array(deleteText(left).utf8)
            var request = S3Request(call(.deleteObjects, left.first), .post, nil)
            request.query = [QueryItem("delete")]
            request.setBody(body)
            request.set("content-type", "application/xml")
            // Required by AWS unless a checksum is there, and by many other stores.
            request.set("content-md5", Base64.encode(MD5.digest(of: body)))
            let answer = try await DeleteAnswer(sendForAnswer(request).body)
            let errors = answer.errors.filter { $0.code != "NoSuchKey" }
            guard let first = errors.first(where: { !Self.passes($0.code) }) ?? errors.first
            else { return }
            guard Self.passes(first.code) else { throw .final(leftover(first)) }
            let failed = Set(errors.map(\.key))
            let again = left.filter { failed.contains($0.bytes) }
            // A key we did not name would end the loop with keys left: then all are tried again.
            if again.count == errors.count { left = again }
            throw .errorInSuccess(ErrorDocument(code: first.code, message: first.message))
        }
    }

    private func deleteText(_ keys: [ObjectKey]) -> String {
        let lines = keys.compactMap { XMLText.escaped($0.bytes) }
            .map { "<Object><Key>\($0)</Key></Object>" }
        return "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
            + lines.joined() + "</Delete>"
    }

    /// Whether a key that failed with `code` may go the next time.
    private static func passes(_ code: String) -> Bool {
        var answer = ErrorAnswer(status: 400, code: code)
        if code.isEmpty { answer.status = 500 }
        let verdict = RetryRules.verdict(
            on: .answer(answer),
            had: [.clock, .credentials, .region],
            now: Timestamp(seconds: 0)
        )
        if case .retry = verdict { return true }
        return false
    }

    private func leftover(_ leftover: DeleteAnswer.Leftover) -> S3Error {
        let call = S3Call(
            operation: .deleteObjects,
            bucket: options.endpoint.bucket,
            key: leftover.key
        )
        let isDenied = leftover.code == "AccessDenied"
        return S3Error(
            isDenied ? .accessDenied : .refused,
            what: "\(call.headline): " + (isDenied ? "access denied" : "the store refused"),
            place: leftover.code.logSafe,
            remedy: isDenied ? "Allow \(call.operation.action) on \(call.location)." : "",
            serverCode: leftover.code
        )
    }
}
