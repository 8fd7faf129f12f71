// SPDX-License-Identifier: Apache-2.0

import Names
import Testing

@testable import HeadNode

struct BubblewrapPlanTests {
    private func arguments(
        sharesNetwork: Bool,
        _ mounts: [BubblewrapPlan.Mount] = []
    ) throws -> [String] {
        BubblewrapPlan(
            bubblewrap: try FilePath("/usr/bin/bwrap"),
            mounts: mounts,
            sharesNetwork: sharesNetwork,
            user: 1,
            group: 2,
            canDisableUserNamespaces: !sharesNetwork,
            command: [ByteString("/worker"), ByteString("run")]
        )
        .arguments.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test func everythingIsApartAndDiesWithItsSupervisor() throws {
        let words = try arguments(sharesNetwork: false)
        for option in ["--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1"] {
            #expect(words.contains(option))
        }
        #expect(!words.contains("--share-net"))
        #expect(words.contains("--disable-userns"))
        #expect(try !arguments(sharesNetwork: true).contains("--disable-userns"))
        #expect(words.suffix(3) == ["--", "/worker", "run"])
        #expect(try arguments(sharesNetwork: true).contains("--share-net"))
    }

    @Test("a job's directory may lie below /tmp: what is mounted first does not hide it")
    func order() throws {
        let place = try FilePath("/tmp/galaxy")
        let words = try arguments(
            sharesNetwork: true,
            [
                .writable(try FilePath("/state/tmp"), at: try FilePath("/tmp")),
                .writable(try FilePath("/state/r0"), at: place),
            ]
        )
        let scratch = try #require(words.firstIndex(of: "/tmp"))
        let root = try #require(words.firstIndex(of: "/tmp/galaxy"))
        #expect(scratch < root)
        #expect(!words.contains("--tmpfs"), "nothing fills this machine's memory")
        let end = try #require(words.firstIndex(of: "--remount-ro"))
        #expect(root < end)
    }
}
