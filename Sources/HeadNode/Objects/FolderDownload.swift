// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import S3Client
import Staging

/// All objects below a prefix into a directory, verified.
///
/// A small object is one request. Files come under temporary names, are brought to the disk many at
/// a time, and get their names then: what has a file's name is all of the file, whatever happens
/// when. What was there before under that name is replaced; nothing else is touched.
struct FolderDownload: Sendable {
    let store: any ObjectStore
    let limits: TransferLimits
    /// How many objects travel at a time.
    let parallel: Int
    let meter: PhaseMeter
    let tally: CopyTally

    /// - Parameters:
    ///   - prefix: empty, or ending in a slash.
    ///   - path: made if it is not there.
    /// - Throws: when the objects cannot be listed or the directory cannot be made; then nothing was
    ///   copied.
    func run(below prefix: [UInt8], to path: FolderPath) async throws(S3Error) {
        let list = try await list(below: prefix)
        let folders: ArrivalFolders
        do throws(StagingError) { folders = ArrivalFolders(try path.made()) } catch {
            throw .file(error)
        }
        for refusal in list.refusals { tally.failed(refusal) }
        makeDirectories(list, folders.top)
        meter.expect(bytes: list.items.reduce(0) { $0 + $1.size }, files: list.items.count)
        let batch = ArrivalBatch(tally)
        let mark = Nonce.draw()
        await takingTurns(list.items.count, limit: parallel) { number in
            let item = list.items[number]
            do throws(S3Error) {
                let mark = "\(mark).\(number)"
                await batch.add(try await fetch(item, list, into: folders, mark: mark))
                meter.finished(1)
            } catch {
                tally.failed(error)
            }
            return !tally.reading.isStopped
        }
        if Task.isCancelled { tally.interrupted() }
        // Also when it was cancelled: what has come whole is kept.
        await batch.settle()
    }

    private func list(below prefix: [UInt8]) async throws(S3Error) -> DownloadList {
        var items: [DownloadList.Item] = []
        try await store.forEachPage(below: prefix) { page in
            items += page.map { DownloadList.Item(key: $0.key, size: $0.size) }
        }
        return DownloadList(items, below: prefix)
    }

    private func makeDirectories(_ list: DownloadList, _ top: Directory) {
        for directory in list.directories {
            do throws(StagingError) { try top.makeDirectories(directory) } catch {
                tally.failed(.file(error))
            }
        }
    }

    /// Fetches the object of the size that was listed or, if it is another one by now, as it is.
    private func fetch(
        _ item: DownloadList.Item,
        _ list: DownloadList,
        into folders: ArrivalFolders,
        mark: String
    ) async throws(S3Error) -> Arrival.Complete {
        let name: RelativePath
        do throws(NameError) { name = try list.name(of: item) } catch { throw .refused(error) }
        do throws(S3Error) {
            let listed = ExpectedObject(size: item.size)
            return try await fetch(item.key, name, expecting: listed, into: folders, mark: mark)
        } catch {
            guard error.code == .corrupted else { throw error }
            let any = ExpectedObject()
            return try await fetch(item.key, name, expecting: any, into: folders, mark: mark)
        }
    }

    private func fetch(
        _ key: ObjectKey,
        _ name: RelativePath,
        expecting expected: ExpectedObject,
        into folders: ArrivalFolders,
        mark: String
    ) async throws(S3Error) -> Arrival.Complete {
        let arrival: Arrival
        do throws(StagingError) {
            arrival = try Arrival(name, of: key, in: folders, mark: mark)
        } catch {
            throw .sink(key, error)
        }
        do throws(S3Error) {
            let done = try await FileDownload(
                from: store,
                limits: limits,
                observe: meter.observer
            )
            .run(key, expecting: expected, into: arrival.file.raw, named: name.logSafe)
            return arrival.complete(done.info.size)
        } catch {
            arrival.discard()
            throw error
        }
    }
}

extension S3Error {
    /// A name that cannot be used.
    static func refused(_ error: NameError) -> S3Error {
        S3Error(.refused, what: error.what, remedy: error.remedy)
    }

    /// What came of the object cannot be put where it belongs.
    static func sink(_ key: ObjectKey, _ error: StagingError) -> S3Error {
        S3Error(.sink, what: "Cannot download \(key)", cause: error)
    }
}
