// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names
import S3Client

/// Fetches one pack and unpacks it while it arrives; its size and digest must be the promised ones.
///
/// Whether the bytes are right is known at their end alone. So what looks wrong before, or is at the end,
/// may have been damaged on its way, and comes once more, three times: a damaged name may lead anywhere.
struct PackDownload: Sendable {
    private static let attempts = 4

    let store: any ObjectStore
    let meter: PhaseMeter

    func callAsFunction(
        _ pack: PackEntry,
        into target: any PackTarget
    ) async throws(StagingError) {
        for _ in 1..<Self.attempts {
            let part = PhaseMeter(meter.phase)
            do throws(StagingError) {
                return try await once(pack, into: target, part)
            } catch {
                guard error.mayComeOfDamage else { throw error }
                meter.takeBack(part.reading)
                try target.discard()
            }
        }
        try await once(pack, into: target, PhaseMeter(meter.phase))
    }

    /// - Parameter part: counts what this attempt moves.
    private func once(
        _ pack: PackEntry,
        into target: any PackTarget,
        _ part: PhaseMeter
    ) async throws(StagingError) {
        let sink = PackSink(into: target, digest: pack.digest.kind) { [meter] bytes, files in
            for meter in [meter, part] {
                meter.moved(Int64(bytes))
                meter.finished(files, packed: files)
            }
        }
        let info: ObjectInfo
        do throws(S3Error) {
            info = try await store.get(
                pack.key,
                range: nil,
                ifMatch: nil,
                expecting: nil,
                to: sink
            )
        } catch {
            await sink.settle()
            throw .store("fetch the pack \(pack.key)", error)
        }
        try check(pack, size: info.size, try await sink.finish())
    }

    private func check(
        _ pack: PackEntry,
        size: Int64,
        _ digest: PackDigest
    ) throws(StagingError) {
        guard size == pack.size, digest == pack.digest else {
            throw StagingError(
                .mismatch,
                what: "The pack \(pack.key) is not the promised one: it has \(size) bytes and "
                    + "\(digest), promised were \(pack.size) and \(pack.digest)",
                remedy: "Find out what overwrote it; objects of this prefix are written once."
            )
        }
    }

    // MARK: By way of a file

    /// Downloads the pack as it is. Its digest is not looked at: who unpacks it does.
    func whole(
        _ pack: PackEntry,
        into file: Descriptor,
        named place: FilePath
    ) async throws(StagingError) {
        do throws(S3Error) {
            _ = try await FileDownload(from: store, observe: meter.observer)
                .run(
                    pack.key,
                    expecting: ExpectedObject(size: pack.size),
                    into: file.raw,
                    named: place.logSafe
                )
        } catch {
            throw .store("fetch the pack \(pack.key)", error)
        }
    }

    /// Unpacks a pack that lies in a file.
    ///
    /// - Parameter part: counts what this attempt unpacks.
    /// - Throws: `.mismatch` or `.refused` for a file that is not the promised pack.
    func unpack(
        _ pack: PackEntry,
        from file: Descriptor,
        named place: FilePath,
        into target: any PackTarget,
        _ part: PhaseMeter
    ) async throws(StagingError) {
        let sink = PackSink(into: target, digest: pack.digest.kind) { [meter] _, files in
            for meter in [meter, part] { meter.finished(files, packed: files) }
        }
        let size: Int64
        do throws(StagingError) {
            size = try await Self.passAll(file, place, to: sink)
        } catch {
            await sink.settle()
            throw error
        }
        try check(pack, size: size, try await sink.finish())
    }

    /// Reads a whole file into `sink`; its size.
    private static func passAll(
        _ file: Descriptor,
        _ place: FilePath,
        to sink: PackSink
    ) async throws(StagingError) -> Int64 {
        var position: Int64 = 0
        while true {
            let count = try pass(file, place, from: position, to: sink)
            guard count > 0 else { return position }
            position += Int64(count)
            await Task.yield()
            guard !Task.isCancelled else {
                throw StagingError(.cancelled, what: "Cannot unpack \(place): cancelled")
            }
        }
    }

    /// Reads one piece of a file into `sink`; 0 at its end.
    private static func pass(
        _ file: Descriptor,
        _ place: FilePath,
        from position: Int64,
        to sink: PackSink
    ) throws(StagingError) -> Int {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        // SAFETY: this scope owns `buffer`; the sink keeps nothing of it.
        defer { buffer.deallocate() }
        let count: Int
        do throws(StagingError) {
            count = try file.read(at: position, into: buffer, name: place)
        } catch {
            // As if it were another file.
            throw StagingError(.mismatch, what: error.what)
        }
        guard count > 0 else { return 0 }
        do {
            try sink.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        } catch let error as StagingError {
            throw error
        } catch {
            throw StagingError(.io, what: "Cannot unpack \(place)", cause: error)
        }
        return count
    }
}
