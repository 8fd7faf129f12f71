// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Glibc
import Names
import S3Client
import Staging

/// All files in and below a directory into a bucket, verified.
///
/// A small file is one request, where the store's answer says the checksum of what it has got. What
/// is sent is the file as it is then; one that changes on its way is a failure that names it.
struct FolderUpload: Sendable {
    let store: any ObjectStore
    let limits: TransferLimits
    /// How many files travel at a time.
    let parallel: Int
    let skipsLinks: Bool
    let meter: PhaseMeter
    let tally: CopyTally

    /// Gives the number of links that were left out.
    ///
    /// - Parameter prefix: empty, or ending in a slash.
    /// - Throws: when the directory cannot be looked through; then nothing was sent.
    func run(from path: FolderPath, below prefix: [UInt8]) async throws(S3Error) -> Int {
        let (top, list) = try survey(path, prefix)
        for refusal in list.refusals { tally.failed(refusal) }
        meter.expect(bytes: list.items.reduce(0) { $0 + $1.size }, files: list.items.count)
        await takingTurns(list.items.count, limit: parallel) { number in
            do throws(S3Error) {
                let bytes = try await send(list.items[number], list, from: top)
                meter.finished(1)
                tally.copied(bytes: bytes)
            } catch {
                tally.failed(error)
            }
            return !tally.reading.isStopped
        }
        if Task.isCancelled { tally.interrupted() }
        return list.skippedLinks
    }

    private func survey(
        _ path: FolderPath,
        _ prefix: [UInt8]
    ) throws(S3Error) -> (Directory, UploadList) {
        do throws(StagingError) {
            let top = try path.open()
            let list = UploadList(
                try TreeSurvey(top),
                of: top.path,
                below: prefix,
                skippingLinks: skipsLinks
            )
            return (top, list)
        } catch { throw .file(error) }
    }

    private func send(
        _ item: UploadList.Item,
        _ list: UploadList,
        from top: Directory
    ) async throws(S3Error) -> Int64 {
        let key: ObjectKey
        do throws(NameError) { key = try list.key(of: item) } catch { throw .refused(error) }
        let file: Descriptor
        let before: FileStatus
        do throws(StagingError) {
            (file, before) = try open(item.name, in: top)
        } catch { throw .file(error) }
        let size = before.stamp.size
        let source = FileSource(descriptor: file.raw, named: item.name.logSafe, length: size)
        let uploaded = try await Upload(to: store, limits: limits, observe: meter.observer)
            .run(source, at: key)
        do throws(StagingError) {
            guard try file.status().stamp.hasSameBytes(as: before.stamp) else {
                throw StagingError.changed(try top.name(item.name))
            }
        } catch { throw .file(error) }
        if !uploaded.isConfirmed { try await store.look(at: key, expecting: uploaded) }
        return size
    }

    /// The file as it is now; a link is not followed.
    private func open(
        _ name: RelativePath,
        in top: Directory
    ) throws(StagingError) -> (Descriptor, FileStatus) {
        let file = try top.open(name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, action: "read")
        let status = try file.status()
        guard status.kind == .file else {
            let path = try top.name(name)
            throw StagingError(.refused, what: "\(path) is no regular file any more")
        }
        return (file, status)
    }
}

extension FileStamp {
    /// Whether nobody has written to the file since, as far as the file system tells.
    fileprivate func hasSameBytes(as other: FileStamp) -> Bool {
        inode == other.inode && size == other.size && modified == other.modified
    }
}
