// SPDX-License-Identifier: Apache-2.0

/// Joins the 16 KiB pieces in which libcurl hands over a body, so that a sink is called, and a file
/// written to, once for each read from the socket.
///
/// One for all transfers of a loop: it is emptied before another transfer's bytes go in, and at the
/// end of each round, so nothing waits for bytes that may never come.
final class Gatherer {
    private let storage: UnsafeMutableRawBufferPointer
    private var count = 0
    private var owner: CurlTransfer?
    private var stopped: [CurlTransfer] = []

    init(capacity: Int) {
        // SAFETY: owned here, freed in deinit; bytes up to `count` are initialised.
        storage = .allocate(byteCount: capacity, alignment: 64)
    }

    deinit { storage.deallocate() }

    /// Takes bytes of `transfer`'s body. What comes of handing them over shows in the transfer.
    func add(_ bytes: UnsafeRawBufferPointer, of transfer: CurlTransfer) {
        if owner !== transfer || bytes.count > storage.count - count { flush() }
        owner = transfer
        if bytes.count > storage.count {
            deliver(bytes)
        } else {
            UnsafeMutableRawBufferPointer(rebasing: storage[count...]).copyMemory(from: bytes)
            count += bytes.count
        }
    }

    /// Ends a round: hands over what is held, and gives the transfers whose sinks threw during it.
    func finishRound() -> [CurlTransfer] {
        flush()
        defer { stopped = [] }
        return stopped
    }

    private func flush() {
        if count > 0 { deliver(UnsafeRawBufferPointer(rebasing: storage[..<count])) }
        count = 0
        owner = nil
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer) {
        guard let owner, !owner.isStopped else { return }
        owner.deliver(bytes)
        if owner.isStopped { stopped.append(owner) }
    }
}
