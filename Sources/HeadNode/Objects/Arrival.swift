// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import Staging

/// A file on its way into a directory, under a name of our own until it is placed.
struct Arrival: Sendable {
    /// What arrives.
    let key: ObjectKey
    let folder: Directory
    /// The file; open until it is complete.
    let file: Descriptor
    private let temporary: RelativePath
    private let name: RelativePath

    /// A file that is all there.
    struct Complete: Sendable {
        let key: ObjectKey
        /// In bytes.
        let size: Int64
        let folder: Directory
        fileprivate let temporary: RelativePath
        fileprivate let name: RelativePath
    }

    /// Makes the temporary file, in the directory that the final one will be in.
    ///
    /// - Parameters:
    ///   - name: the final path, below the top of `folders`.
    ///   - mark: makes the temporary name one that nobody else uses.
    init(
        _ name: RelativePath,
        of key: ObjectKey,
        in folders: ArrivalFolders,
        mark: String
    ) throws(StagingError) {
        self.key = key
        folder = try folders.folder(of: name)
        (temporary, self.name) = try naming { () throws(NameError) in
            (
                try RelativePath(".galaxy_s3.\(mark).part"),
                try RelativePath(name.components.last ?? [])
            )
        }
        file = try folder.open(
            temporary,
            O_RDWR | O_CREAT | O_EXCL,
            mode: FileMode(0o666),
            action: "create"
        )
    }

    /// Lets go of the file, of which all `size` bytes are there.
    func complete(_ size: Int64) -> Complete {
        Complete(key: key, size: size, folder: folder, temporary: temporary, name: name)
    }

    /// Removes the file; what cannot be removed stays under its temporary name.
    func discard() { try? folder.remove(temporary) }
}

extension Arrival.Complete {
    /// Gives the file its name, in place of what was there, or removes it.
    func place() throws(StagingError) {
        do throws(StagingError) { try folder.rename(temporary, to: name) } catch {
            discard()
            throw error
        }
    }

    /// Removes the file; what cannot be removed stays under its temporary name.
    func discard() { try? folder.remove(temporary) }
}
