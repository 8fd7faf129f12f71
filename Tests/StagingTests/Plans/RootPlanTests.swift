// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import TestSupport
import Testing

@testable import Staging

@Suite struct RootPlanTests {
    private func roots(_ paths: [String]) throws -> [String] {
        try RootPlan.roots(for: paths.map { try FilePath($0) }).map(\.description)
    }

    @Test func nestedAreMerged() throws {
        #expect(try roots(["/g/jobs/1", "/g/jobs/1/working", "/g/jobs/1"]) == ["/g/jobs/1"])
        // `-` sorts before `/`, so what is below does not follow right after.
        #expect(try roots(["/g/a", "/g/a-b", "/g/a/b"]) == ["/g/a", "/g/a-b"])
        #expect(try roots([]) == [])
    }

    @Test(arguments: [
        "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32",
        "/opt",
        "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var",
    ])
    func standardDirectoriesAreRefused(_ path: String) throws {
        let error = #expect(throws: StagingError.self) { try roots(["/galaxy/data", path]) }
        #expect(error?.code == .job)
        #expect(
            error?.what
                == "A job cannot use files that lie directly in \(path), because a container needs "
                + "its own \(path)"
        )
        #expect(error?.remedy.isEmpty == false)
    }

    @Test func belowAStandardDirectoryIsFine() throws {
        #expect(
            try roots(["/srv/galaxy", "/home/g/x", "/tmp/j"]) == [
                "/home/g/x", "/srv/galaxy", "/tmp/j",
            ]
        )
        #expect(try roots(["/export", "/binx"]) == ["/binx", "/export"])
    }

    @Test func moreThanSixteenAreMergedAtTheirDeepestCommonParent() throws {
        let deep = (0..<10).map { "/g/store/a/\($0)" }
        let other = (0..<10).map { "/g/other/\($0)" }
        #expect(try roots(deep + other) == (["/g/store/a"] + other).sorted())
        let many = (0..<400).map { "/galaxy/files/\($0)" } + ["/galaxy/jobs/1"]
        #expect(try roots(many) == ["/galaxy/files", "/galaxy/jobs/1"])
        let sixteen = (0..<16).map { "/g\($0)/x" }
        #expect(try roots(sixteen).count == 16)
    }

    @Test func whatCannotBeMergedIsNamed() throws {
        let apart = (0..<17).map { "/disk\($0)/data" }
        let error = #expect(throws: StagingError.self) { try roots(apart) }
        #expect(error?.code == .job)
        for path in apart { #expect(error?.what.contains(path) == true) }
        // Their common parent is one that no root may be.
        let standard = (0..<17).map { "/srv/\($0)" }
        #expect(throws: StagingError.self) { try roots(standard) }
        #expect(throws: StagingError.self) { try roots(standard + ["/usr/local/x"]) }
    }

    @Test func anyDirectoriesGiveRootsThatHoldThemAll() throws {
        var random = SeededGenerator(seed: 30)
        for _ in 0..<200 {
            let paths = try (0..<Int.random(in: 1...60, using: &random))
                .map { _ in
                    let depth = Int.random(in: 1...4, using: &random)
                    let names = (0..<depth)
                        .map { _ in "/d\(UInt8.random(in: 0...3, using: &random))" }
                    return try FilePath("/galaxy" + names.joined())
                }
            let roots = try RootPlan.roots(for: paths)
            #expect(roots.count <= RootPlan.most)
            #expect(paths.allSatisfy { path in roots.contains { path.isAtOrBelow($0) } })
            for (index, root) in roots.enumerated() {
                #expect(RootPlan.isAllowed(root))
                let others = roots.enumerated().filter { $0.offset != index }
                #expect(!others.contains { root.isAtOrBelow($0.element) })
            }
        }
    }
}
