// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import Testing

@testable import Staging

@Suite struct BucketMountTests {
    private func mount(_ prefix: String) throws -> BucketMount {
        BucketMount(path: try FilePath("/mnt/bucket"), prefix: try KeyPrefix(prefix))
    }

    @Test(arguments: [
        ("", "galaxy/data/1", "/mnt/bucket/galaxy/data/1"),
        ("galaxy", "galaxy/data/1", "/mnt/bucket/data/1"),
        ("a/b", "a/b/c", "/mnt/bucket/c"),
    ])
    func aKeyIsSeenAtAPathAndBack(_ prefix: String, _ key: String, _ path: String) throws {
        let mount = try mount(prefix)
        #expect(mount.path(of: try ObjectKey(key)) == (try FilePath(path)))
        #expect(mount.key(of: try FilePath(path)) == (try ObjectKey(key)))
    }

    @Test(arguments: [
        ("galaxy", "galaxyx/1"), ("galaxy", "other/1"), ("galaxy", "galaxy"), ("", "a/../b"),
        ("", "a//b"),
        ("", "/a"), ("", "a/"),
    ])
    func aKeyElsewhereOrWithoutAPathIsNotSeen(_ prefix: String, _ key: String) throws {
        #expect(try mount(prefix).path(of: ObjectKey(key)) == nil)
    }

    @Test(arguments: ["/mnt", "/mnt/bucket", "/mnt/buckets/1", "/other/1"])
    func aPathOutsideNamesNoObject(_ path: String) throws {
        #expect(try mount("").key(of: FilePath(path)) == nil)
    }

    @Test(arguments: [
        ("/mnt/bucket/g/1", "g/1"), ("/mnt/bucket/x/../g/1", "g/1"), ("../mnt/bucket/g/1", "g/1"),
        ("/mnt/bucket/../secret", nil), ("../../../../etc/passwd", nil), ("/etc/passwd", nil),
    ])
    func aLinkNamesAnObjectByItsText(_ target: String, _ key: String?) throws {
        let link = LinkEntry(path: try FilePath("/data/d.dat"), target: ByteString(target))
        #expect(try mount("").key(of: link) == key.map { try ObjectKey($0) })
    }

    @Test(arguments: [
        ("", "galaxy", true), ("galaxy", "galaxy", true), ("galaxy", "galaxy/a", true),
        ("", "", true),
        ("galaxy", "galaxya", false), ("galaxy/a", "galaxy", false), ("galaxy", "", false),
    ])
    func itMustShowWhatIsOurs(_ prefix: String, _ own: String, _ shows: Bool) throws {
        #expect(try mount(prefix).shows(KeyPrefix(own)) == shows)
    }
}
