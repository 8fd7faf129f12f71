// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client

/// An input dataset that Galaxy keeps in its own S3 object store, behind a cache on the head's disk.
package struct StoredInput: Sendable {
    /// Its place in the cache: where the tool sees it.
    package let path: FilePath
    package let object: JobDescription.StoreObject
    /// What the cache has, unless that is empty, as it is before Galaxy has asked for the bytes.
    package let cached: SurveyedFile?

    /// Looks into the cache; that there is nothing is no trouble.
    package init(path: FilePath, object: JobDescription.StoreObject) {
        self.init(path: path, object: object, cached: try? SurveyedFile(trusted: path))
    }

    /// - Parameter cached: what the cache has.
    package init(
        path: FilePath,
        object: JobDescription.StoreObject,
        cached: SurveyedFile?
    ) {
        self.path = path
        self.object = object
        self.cached = cached.flatMap { $0.size > 0 ? $0 : nil }
    }

    /// Where the worker is to get the bytes from.
    package enum Source: Sendable, Equatable {
        /// The object, as it is now.
        case object
        /// The file in the cache, staged like any other.
        case cache
        /// Neither is what Galaxy knows; the text says why.
        case neither(String)
    }

    /// Decides as Galaxy itself would: what its database says of the size is right, and where that says
    /// nothing, what is in the cache.
    ///
    /// Galaxy's stores can have less than the cache: a push that failed is logged and forgotten.
    ///
    /// - Parameter found: what the store has at the object's key.
    package func source(_ found: ObjectInfo?) -> Source {
        guard let right = object.size ?? cached?.size else {
            return found == nil ? .neither("it is not there") : .object
        }
        if found?.size == right { return .object }
        if cached?.size == right { return .cache }
        let there = found.map { "it has \($0.size) bytes" } ?? "it is not there"
        return .neither("\(there), and Galaxy knows it with \(right)")
    }
}
