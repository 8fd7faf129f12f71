// SPDX-License-Identifier: Apache-2.0

import Names
import S3Client

extension InMemoryObjectStore {
    /// A call that is about to be made, or has been.
    package struct Call: Sendable, Equatable {
        package enum Kind: String, Sendable {
            case head, get, put, copy, list, delete, createMultipart, uploadPart, copyPart
            case completeMultipart, abortMultipart, openUploads
        }

        package let kind: Kind
        package let key: ObjectKey?
        /// 1 for the first call of this kind.
        package let number: Int
        /// Whether the work has been done: throwing now means that the answer is lost.
        package let isDone: Bool
    }

    package typealias FaultHook = @Sendable (Call) async throws(S3Error) -> Void
}
