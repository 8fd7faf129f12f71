// SPDX-License-Identifier: Apache-2.0

import Glibc
import Names
import TestSupport
import Testing

@testable import HeadNode

struct LocalUserTests {
    @Test("the maps of a machine, of a root alone, and of a container with many users")
    func maps() {
        #expect(
            LocalUser.ids(in: Array("         0          0 4294967295\n".utf8)) == [
                0..<4_294_967_295
            ]
        )
        #expect(LocalUser.ids(in: Array("0 1000 1\n".utf8)) == [0..<1])
        #expect(LocalUser.ids(in: Array("0 1000 1\n1 100000 65536\n".utf8)) == [0..<1, 1..<65537])
        #expect(LocalUser.ids(in: []) == [])
    }

    @Test func aDirectoryThatIsClosedToTheToolsUserIsNamed() throws {
        var template = Array("/tmp/galaxy-s3-user-XXXXXX".utf8CString)
        #expect(mkdtemp(&template) != nil)
        let folder = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
        defer { rmdir(folder) }
        let other = LocalUser(user: 65532, group: 65532, isOther: true)
        let place = try FilePath(folder + "/x")
        #expect(other.obstacle(to: place) == (try FilePath(folder)))
        #expect(chmod(folder, 0o711) == 0)
        #expect(other.obstacle(to: place) == nil)
    }
}
