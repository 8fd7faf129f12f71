// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names

extension Directory {
    /// Copies the program at `path`, whose links are followed, here as `name`: whole or not at all,
    /// and for everybody to run. It is not flushed: who needs it installs it again.
    package func install(
        program path: FilePath,
        as name: RelativePath
    ) throws(StagingError) {
        let fd = path.withCString { Glibc.open($0, O_RDONLY | O_CLOEXEC) }
        guard fd >= 0 else { throw .system("read", path.logSafe) }
        let source = Descriptor(owning: fd)
        let temporary = try naming { () throws(NameError) in
            try RelativePath(name.bytes + Array(".new".utf8))
        }
        try remove(temporary)
        let copy = try open(temporary, O_WRONLY | O_CREAT | O_EXCL, action: "create")
        let size = try source.status().stamp.size
        var offset: off_t = 0
        while Int64(offset) < size {
            let count = sendfile(copy.raw, source.raw, &offset, Int(size) - Int(offset))
            guard count > 0 else { throw .system("copy", path.logSafe) }
        }
        let place = try self.name(name)
        try copy.set(mode: FileMode(0o755), modified: Clock.fileTime(), name: place)
        try rename(temporary, to: name)
    }
}
