// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

/// Clears the place in Galaxy's cache of an output that Galaxy's object store has by now, so that
/// Galaxy pulls it when it is asked for.
///
/// Galaxy believes what its cache has: its empty placeholder would be a dataset of no bytes. What is
/// not empty and not the output is nobody's to delete: it is moved aside, so that it never wins.
struct CacheSettlement {
    let roots: RootSet
    let run: RunID

    /// - Returns: a sentence for the administrator if something else was there.
    func callAsFunction(_ copy: StoreCopy) throws(StagingError) -> String? {
        guard let status = try roots.status(copy.path) else { return nil }
        guard status.kind == .file else {
            return try moveAside(copy.path, "is no regular file")
        }
        if status.stamp.size == 0 {
            try roots.remove(copy.path)
            return nil
        }
        // Galaxy may have pulled the new object already.
        let descriptor = try roots.open(copy.path)
        let size = try descriptor.status().stamp.size
        let source = DescriptorSource(descriptor, length: size, name: copy.path)
        if size == copy.size, try source.checksum() == copy.digest { return nil }
        return try moveAside(copy.path, "had \(size) bytes that are not the output's")
    }

    private func moveAside(_ path: FilePath, _ why: String) throws(StagingError) -> String {
        let suffix = ".kept-by-galaxy-s3-\(run)-\(Nonce.draw())"
        let aside = try naming { () throws(NameError) in
            try FilePath(path.bytes + Array(suffix.utf8))
        }
        try roots.rename(path, to: aside)
        return "\(path) in Galaxy's cache \(why); it was moved to \(aside)"
    }
}
