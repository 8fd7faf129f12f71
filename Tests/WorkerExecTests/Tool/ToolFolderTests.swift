// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import Staging
import Testing

@testable import WorkerExec

final class ToolFolderTests {
    private static let outcome = ToolPhase.Outcome.ended(
        ToolOutcome(end: .ended, exitCode: 3, scriptStatus: 3)
    )

    private let path: FilePath

    init() throws {
        var template = Array("/tmp/galaxy-s3-tool-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = try FilePath(template.dropLast().map { UInt8(bitPattern: $0) })
    }

    deinit { try? TreeRemoval.remove(path) }

    @Test func theRoomForTheOutcomeIsGivenBack() throws {
        let state = try StateFolder(path: path)
        try state.prepareForTool()
        let directory = try Directory(path: path)
        let room = try RelativePath("tool/tool.room")
        #expect(try directory.status(room)?.stamp.size == 16 << 10)
        let folder = try state.toolFolder()
        try folder.begin()
        try folder.write(Self.outcome)
        #expect(try directory.status(room) == nil)
        #expect(folder.outcome()?.tool.exitCode == 3)
    }

    @Test(
        "a tool that fills the volume does not take its own worker's word away",
        .enabled("it mounts a small file system") { geteuid() == 0 }
    )
    func aFullVolume() throws {
        let isMounted = path.withCString { mount("none", $0, "tmpfs", 0, "size=128k") == 0 }
        try #require(isMounted)
        defer { _ = path.withCString { umount2($0, Int32(MNT_DETACH)) } }
        let state = try StateFolder(path: path)
        try state.prepareForTool()
        let folder = try state.toolFolder()
        try folder.begin()
        let big = "\(path)/big"
        let file = open(big, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        let page = [UInt8](repeating: 1, count: 4_096)
        var written = 0
        while write(file, page, page.count) == page.count, written < 64 { written += 1 }
        #expect(errno == ENOSPC)
        try folder.write(Self.outcome)
        #expect(folder.outcome()?.tool.exitCode == 3)
    }
}
