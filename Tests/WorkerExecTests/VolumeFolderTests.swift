// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import Staging
import Testing

@testable import WorkerExec

final class VolumeFolderTests {
    private let path: FilePath

    init() throws {
        var template = Array("/tmp/galaxy-s3-volume-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = try FilePath(template.dropLast().map { UInt8(bitPattern: $0) })
    }

    deinit { try? TreeRemoval.remove(path) }

    @Test("the folders of a pod's volume are made once, and the program is there to be run")
    func prepare() throws {
        let volume = try VolumeFolder(path: path)
        for _ in 1...2 { try volume.prepare(roots: 2) }
        let directory = try Directory(path: path)
        #expect(
            try directory.names().map { String(decoding: $0, as: UTF8.self) }
                == ["bin", "r0", "r1", "state", "tmp"]
        )
        let program = try RelativePath("bin/galaxy-worker-exec")
        let status = try #require(try directory.status(program))
        #expect(status.mode.bits == 0o755)
        #expect(try directory.status(RelativePath("state/tool"))?.kind == .directory)
    }

    @Test("a job's path is found in its root's folder, and nowhere else")
    func roots() throws {
        let volume = try VolumeFolder(path: path)
        try volume.prepare(roots: 2)
        let roots = try volume.roots([FilePath("/galaxy/data"), FilePath("/galaxy/jobs")])
        _ = try roots.create(FilePath("/galaxy/jobs/1/out"))
        let directory = try Directory(path: path)
        #expect(try directory.status(RelativePath("r1/1/out")) != nil)
        #expect(try directory.status(RelativePath("r0/1")) == nil)
        #expect(throws: StagingError.self) { _ = try roots.create(FilePath("/galaxy/tools/x")) }
    }
}
