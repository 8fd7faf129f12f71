// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Glibc
import Names
import S3Client
import TestSupport
import Testing

@testable import Staging

@Suite struct PushTests {
    private let world: World
    private let tree: TemporaryTree
    private let outside: TemporaryTree

    init() throws {
        world = try World()
        tree = world.tree
        outside = try TemporaryTree()
        try outside.file("canary", "secret")
        try world.addInput("data/in.dat", Array("input".utf8))
        try world.addOutput("data/out.dat", extra: "data/out_files")
    }

    private func inPod() async throws -> RunSpec {
        let spec = try await world.spec()
        _ = try await world.fetch(spec)
        return spec
    }

    private func replace(_ relative: String, byLinkTo target: String) throws {
        _ = try tree.at(relative).withCString { unlink($0) }
        try tree.link(relative, to: target)
    }

    @Test(
        "B15: an output replaced by a link to an input is read through",
        arguments: [
            "in.dat", "./../data/in.dat", "ABSOLUTE",
        ]
    )
    func outputIsALink(_ target: String) async throws {
        let spec = try await inPod()
        let absolute = try tree.at("data/in.dat").description
        try replace("data/out.dat", byLinkTo: target == "ABSOLUTE" ? absolute : target)
        let report = try await world.push(spec)
        #expect(report.refused.isEmpty)
        try await world.collect(report, spec)
        #expect(try world.text("data/out.dat") == "input")
    }

    @Test("B15: a chain of links is followed below the roots, a loop is not")
    func chains() async throws {
        let spec = try await inPod()
        try tree.link("jobs/1/working/a", to: "b")
        try tree.link("jobs/1/working/b", to: "../../../data/in.dat")
        try replace("data/out.dat", byLinkTo: "../jobs/1/working/a")
        let report = try await world.push(spec)
        #expect(
            report.files.contains { $0.path == world.description.outputs[0].path && $0.size == 5 }
        )
        // A second way out, CVE-2019-11251's: the second link leaves.
        try replace("jobs/1/working/b", byLinkTo: outside.path.description + "/canary")
        let refused = try await world.push(spec)
        #expect(!refused.files.contains { $0.path == world.description.outputs[0].path })
        #expect(refused.refused.contains { $0.contains("/data/out.dat was left behind") })
        try replace("data/out.dat", byLinkTo: "out.dat")
        let loop = try await world.push(spec)
        #expect(loop.refused.contains { $0.contains("a chain of too many links") })
    }

    @Test(
        "invariant 7, B15: links out are refused by name, the rest is carried",
        arguments: [
            "/etc/passwd", "/proc/self/environ", "OUTSIDE/canary", "../../../../../../etc/passwd",
            "../../../data/not-staged.dat", "/../..", "../../../data", "TREE/data/out_files/..",
            "../../../data/made-by-the-tool.dat", "sub/../../../../data/in.dat",
        ]
    )
    func linksOut(_ target: String) async throws {
        let spec = try await inPod()
        let text =
            switch target {
            case "OUTSIDE/canary": outside.path.description + "/canary"
            case "TREE/data/out_files/..": tree.path.description + "/data/out_files/.."
            default: target
            }
        // What the tool makes where other people's files are on the head does not make it the job's.
        try tree.file("data/made-by-the-tool.dat", "made")
        try tree.link("jobs/1/working/link", to: text)
        try replace("data/out.dat", byLinkTo: text)
        try tree.link("data/out_files/link", to: text)
        try world.write("jobs/1/working/kept", "kept")
        try world.write("data/out_files/kept", "kept too")
        let report = try await world.push(spec)
        let paths = Set(report.files.map(\.path))
        #expect(
            try paths.isSuperset(of: [
                tree.at("jobs/1/working/kept"), tree.at("data/out_files/kept"),
            ])
        )
        // Galaxy finds a link that leads nowhere, and an incomplete collection would look whole.
        #expect(
            try report.links == [
                LinkEntry(path: tree.at("jobs/1/working/link"), target: LinkRules.leftBehind)
            ]
        )
        for name in ["jobs/1/working/link", "data/out.dat", "data/out_files/link"] {
            let path = try tree.at(name)
            #expect(!paths.contains(path))
            #expect(
                report.refused.filter { $0.utf8.starts(with: "\(path) was left behind".utf8) }.count
                    == 1
            )
        }
        for key in world.store.keys {
            #expect(try !contains(#require(world.store.storedBytes(key)), "secret"))
        }
        try await world.collect(report, spec)
        #expect(try world.text("jobs/1/working/kept") == "kept")
        #expect(FileStatus(at: try tree.at("jobs/1/working/link"))?.kind == .link)
        #expect(FileStatus(following: try tree.at("jobs/1/working/link")) == nil)
    }

    @Test("T07: a link to a file that the job was given comes back, however the file travelled")
    func linksToWhatWasGiven() async throws {
        try world.addInput("data/large.dat", [UInt8](repeating: 7, count: 5_000))
        try tree.file("ref/hg.fa", "fa")
        try tree.file("ref/hg.fa.fai", "fai")
        try tree.file("tool/lib/part.py", "py")
        world.description.referenceData = [.init(path: try tree.at("ref/hg.fa"))]
        world.description.toolFiles = [.init(root: try tree.at("tool"), files: nil)]
        let spec = try await inPod()
        #expect(spec.inputs.count == 1 && !spec.packs.isEmpty)
        let given = ["data/in.dat", "data/large.dat", "ref/hg.fa.fai", "tool/lib/part.py"]
        var links: [FilePath] = []
        for name in given {
            for folder in ["jobs/1/working/d", "data/out_files"] {
                let link = "\(folder)/\(links.count)"
                try tree.link(link, to: tree.at(name).description)
                links.append(try tree.at(link))
            }
        }
        let report = try await world.push(spec, fetched: world.stamps())
        #expect(report.refused.isEmpty)
        try await world.collect(report, spec)
        for (number, link) in links.enumerated() {
            let target = FileStatus(at: try tree.at(given[number / 2]))
            #expect(target != nil && FileStatus(following: link)?.stamp == target?.stamp)
            #expect(FileStatus(at: link)?.kind == .link)
        }
    }

    private func contains(_ bytes: [UInt8], _ text: String) -> Bool {
        let wanted = Array(text.utf8)
        return bytes.indices.contains { bytes[$0...].starts(with: wanted) }
    }

    @Test("B17: special files are left behind by name, the rest is carried")
    func special() async throws {
        let spec = try await inPod()
        try tree.fifo("jobs/1/working/pipe")
        _ = try tree.at("data/out.dat").withCString { unlink($0) }
        try tree.fifo("data/out.dat")
        try tree.fifo("data/out_files/pipe")
        try world.write("jobs/1/working/kept", "kept")
        let report = try await world.push(spec)
        for name in ["jobs/1/working/pipe", "data/out.dat", "data/out_files/pipe"] {
            #expect(try report.refused.contains("\(tree.at(name)) was left behind: it is a FIFO"))
        }
        #expect(try report.files.contains { $0.path == (try tree.at("jobs/1/working/kept")) })
    }

    @Test("B23: directories that the tool replaced or removed cost what was in them, no more")
    func replacedDirectories() async throws {
        for how in 0..<5 {
            let world = try World()
            let tree = world.tree
            try world.addOutput("data/sub/out.dat", extra: "data/sub/out_files")
            let spec = try await world.spec()
            _ = try await world.fetch(spec)
            try world.write("jobs/1/working/kept", "kept")
            func remove(_ name: String) throws { try TreeRemoval.remove(tree.at(name)) }
            switch how {
            case 0:
                try remove("jobs/1/outputs")
                try tree.link("jobs/1/outputs", to: outside.path.description)
            case 1:
                try remove("jobs/1/outputs")
                try tree.file("jobs/1/outputs", "a file")
            case 2:
                try tree.link("data/sub/out_files", to: outside.path.description)
            case 3:
                try tree.file("data/sub/out_files", "a file")
            default:
                try tree.link(
                    "jobs/1/outputs/tool_stdout",
                    to: outside.path.description + "/canary"
                )
                try tree.fifo("jobs/1/outputs/tool_stderr")
                try tree.link("jobs/1/galaxy_1.ec", to: "galaxy_1.sh")
            }
            let report = try await world.push(spec)
            #expect(report.files.contains { $0.path.lastComponent.elementsEqual("kept".utf8) })
            #expect(!report.refused.isEmpty, "\(how)")
            #expect(report.links.isEmpty)
            try await world.collect(report, spec)
            #expect(try world.text("jobs/1/working/kept") == "kept")
        }
    }

    @Test("B23: a job directory that is gone leaves a report all the same")
    func jobDirectoryGone() async throws {
        let spec = try await inPod()
        for name in try Directory(path: world.job).names() {
            let place = try world.job.appending(name)
            if FileStatus(at: place)?.kind == .directory {
                try TreeRemoval.remove(place)
            } else {
                _ = place.withCString { unlink($0) }
            }
        }
        try world.write("data/out.dat", "result")
        let report = try await world.push(spec)
        #expect(report.files.map(\.path) == world.description.outputs.map(\.path))
    }

    @Test("B14, B24: our own names and what is remade stay in the pod")
    func leftBehind() async throws {
        let spec = try await inPod()
        for name in ["_working", "_outputs", "_configs", "home", "tmp", "galaxy_s3"] {
            try tree.file("jobs/1/\(name)/x", "x")
        }
        for name in [".hidden", ".nfs01", "core", "tmp"] {
            try tree.file("jobs/1/working/\(name)", "x")
        }
        let paths = try await world.push(spec).files.map(\.path)
        for name in [".hidden", ".nfs01", "core", "tmp"] {
            #expect(try paths.contains(tree.at("jobs/1/working/\(name)")))
        }
        #expect(!paths.contains { $0.lastComponent.elementsEqual("x".utf8) })
    }

    @Test func aToolThatFailedLeavesWhatTheRulesSay() async throws {
        let spec = try await inPod()
        try world.write("jobs/1/galaxy_1.ec", "3")
        try world.write("jobs/1/outputs/tool_stdout", "words")
        try world.write("jobs/1/working/scratch", "x")
        try world.write("data/out.dat", "partial")
        func names(_ scope: PushRules.OnFailure) async throws -> [String] {
            try await world.push(spec, fetched: world.stamps(), scope: scope).files
                .map { String(decoding: $0.path.lastComponent, as: UTF8.self) }.sorted()
        }
        #expect(try await names(.logs) == ["galaxy_1.ec", "tool_stdout"])
        #expect(try await names(.declared) == ["galaxy_1.ec", "out.dat", "tool_stdout"])
        let all = try await world.push(spec, fetched: [:]).files.count
        #expect(all == 5)
    }

    @Test func outputsThatMustBeObjectsAre() async throws {
        let spec = try await world.spec(ownOutputs: true)
        _ = try await world.fetch(spec)
        try world.write("data/out.dat", "small")
        let report = try await world.push(spec)
        let output = try #require(report.files.first { $0.path == spec.outputs[0].path })
        guard case .object(let key) = output.location else {
            Issue.record("the output is in a pack")
            return
        }
        let info = try #require(try await world.store.head(key))
        #expect(info.metadata["mode"] == "33188")
        #expect(info.metadata["mtime"] == "\(output.modified.seconds)")
        // Empty ones are no objects: a link to nothing helps nobody.
        try world.write("data/out.dat", "")
        let empty = try await world.push(spec)
        #expect(empty.files.first { $0.path == spec.outputs[0].path }?.location == .pack(0))
    }

    @Test(
        "B20: a file that may not be read is left behind by name, the rest is carried",
        .enabled(if: geteuid() == 0, "only root makes files that are not its own")
    )
    func unreadable() async throws {
        let spec = try await inPod()
        try world.write("jobs/1/working/kept", "kept")
        try tree.file("jobs/1/working/shut", Array("x".utf8), mode: 0)
        let roots = try RootSet(spec.roots)
        let survey = try asNobody { try PushSurvey(spec, roots, scope: .all, fetched: [:]) }
        #expect(try survey.files.contains { $0.path == (try tree.at("jobs/1/working/kept")) })
        #expect(try !survey.files.contains { $0.path == (try tree.at("jobs/1/working/shut")) })
        #expect(
            try survey.refused.contains(
                "\(tree.at("jobs/1/working/shut")) was left behind: it may not be read"
            )
        )
    }

    @Test("B20: a file of this user's that it may not read is made readable")
    func shutFile() async throws {
        let spec = try await inPod()
        try tree.file("jobs/1/working/shut", Array("x".utf8), mode: 0)
        let path = try tree.at("jobs/1/working/shut")
        if geteuid() == 0 { #expect(path.withCString { chown($0, 65_534, 65_534) } == 0) }
        let roots = try RootSet(spec.roots)
        let survey = try asNobody { try PushSurvey(spec, roots, scope: .all, fetched: [:]) }
        #expect(survey.files.first { $0.path == path }?.mode == FileMode(0o400))
        #expect(survey.refused.isEmpty)
    }

    @Test("B16: hard links are carried as files")
    func hardLinks() async throws {
        let spec = try await inPod()
        try world.write("jobs/1/working/first", "same")
        let first = try tree.at("jobs/1/working/first")
        for number in 0..<100 {
            let other = try tree.at("jobs/1/working/other\(number)")
            _ = first.withCString { first in other.withCString { Glibc.link(first, $0) } }
        }
        let report = try await world.push(spec)
        try await world.collect(report, spec)
        #expect(try world.text("jobs/1/working/other99") == "same")
    }

    @Test("B19: a file that changes while it is pushed is an error that names it")
    func changing() async throws {
        let victim = Late<FilePath>()
        let store = InMemoryObjectStore { call in
            guard call.kind == .put, call.isDone, let path = victim.get else { return }
            _ = path.withCString { truncate($0, 3) }
        }
        let world = try World(store)
        let spec = try await world.spec()
        _ = try await world.fetch(spec)
        let place = try world.tree.at("jobs/1/working/victim")
        try world.tree.file("jobs/1/working/victim", [UInt8](repeating: 1, count: 5_000))
        victim.set(place)
        let error = await #expect(throws: StagingError.self) { try await world.push(spec) }
        #expect(error?.code == .changed)
        #expect(error?.what.contains("/victim") == true)
        // In a pack a file is read once, and looked at before and after: what is stored is whole.
        let small = [UInt8](repeating: 1, count: 10)
        try world.tree.file("jobs/1/working/victim", small)
        let report = try await world.push(spec)
        #expect(try TemporaryTree.read(place).count == 3)
        #expect(report.files.first { $0.path == place }?.digest == CRC64NVME(of: small))
        try await world.collect(report, spec)
        #expect(try TemporaryTree.read(place) == small)
    }

    @Test func packsAreBoundedAndNeverEmpty() throws {
        let files = try (0..<3).map { try SurveyedFile(trusted: tree.file("f\($0)", [1])) }
        #expect(PushPlan(files, packBelow: 1, own: []).packs.map(\.count) == [3])
        #expect(PushPlan(files, packBelow: 0, own: []).objects.count == 3)
        #expect(PushPlan([], packBelow: 1, own: []).packs.isEmpty)
        // Three sparse files of 40 MiB: no two fit one pack.
        let large = try (0..<3)
            .map { number in
                let path = try tree.file("large\(number)")
                _ = path.withCString { truncate($0, 40 << 20) }
                return try SurveyedFile(trusted: path)
            }
        #expect(PushPlan(large, packBelow: 1 << 30, own: []).packs.map(\.count) == [1, 1, 1])
        let path = try tree.file("huge")
        _ = path.withCString { truncate($0, 100 << 20) }
        let huge = try SurveyedFile(trusted: path)
        #expect(PushPlan([huge], packBelow: 1 << 30, own: []).packs.map(\.count) == [1])
    }

    @Test("a declared output that cannot come back is lost, by name, not just left behind")
    func lost() async throws {
        let spec = try await inPod()
        let output = try tree.at("data/out.dat")
        func losses() async throws -> [String] { try await world.push(spec).lost }
        #expect(try await losses() == [])
        _ = output.withCString { unlink($0) }
        #expect(try await losses().count == 1)
        #expect(try await losses()[0].contains("\(output): it is not there any more"))
        _ = output.withCString { mkfifo($0, 0o600) }
        #expect(try await losses()[0].contains("it is a FIFO"))
        _ = output.withCString { unlink($0) }
        try replace("data/out.dat", byLinkTo: outside.path.description + "/canary")
        #expect(try await losses()[0].contains("outside the job"))
        try replace("data/out.dat", byLinkTo: "in.dat")
        #expect(try await losses() == [])
        _ = try tree.at("data/out_files").withCString { rmdir($0) }
        try world.write("data/out_files", "a file")
        #expect(try await losses()[0].contains("out_files"))
    }
}
