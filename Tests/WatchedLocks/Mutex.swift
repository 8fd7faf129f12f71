// SPDX-License-Identifier: Apache-2.0

import Glibc
@_exported import Synchronization

/// Swift's Mutex as ThreadSanitizer can see it. On Linux Swift's own calls futex by itself, which the sanitizer
/// knows nothing of, so that whatever it guards looks unguarded. This one is the C library's, with the same
/// promises; `Scripts/sanitize thread` builds a copy of our Swift that imports this module in place of
/// Synchronization, whose other names it has too.
package struct Mutex<Value: ~Copyable>: ~Copyable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)

    package init(_ value: consuming sending Value) {
        // SAFETY: both pointers are made with this value, freed by deinit, and never leave it.
        let status = pthread_mutex_init(lock, nil)
        precondition(status == 0, "pthread_mutex_init: \(status)")
        self.value.initialize(to: value)
    }

    deinit {
        // The last release of whatever holds this happens after all others, but is counted where the sanitizer
        // sees nothing: it learns by this lock who was here before.
        pthread_mutex_lock(lock)
        pthread_mutex_unlock(lock)
        // SAFETY: nobody else has this value any more, so nobody waits for the lock.
        pthread_mutex_destroy(lock)
        lock.deallocate()
        value.deinitialize(count: 1)
        value.deallocate()
    }

    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        // SAFETY: the pointers live as long as this value, and only one thread at a time holds the lock.
        let status = pthread_mutex_lock(lock)
        precondition(status == 0, "pthread_mutex_lock: \(status)")
        defer { pthread_mutex_unlock(lock) }
        return try body(&value.pointee)
    }
}

// The lock orders all use of the value, and the pointers to both are set once.
extension Mutex: @unchecked Sendable where Value: ~Copyable {}
