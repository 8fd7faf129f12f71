// SPDX-License-Identifier: Apache-2.0

import Contract
import Glibc
import Names
import TestSupport
import Testing

@testable import Staging

@Suite struct JobSurveyTests {
    private let world: World
    private let tree: TemporaryTree

    init() throws {
        world = try World()
        tree = world.tree
    }

    private func error(
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> StagingError? {
        #expect(throws: StagingError.self, sourceLocation: sourceLocation) {
            try JobSurvey(world.description)
        }
    }

    @Test(arguments: ["config/galaxy.yml", "config", "linked.yml", "hard.yml"])
    func whatIsPrivateDoesNotTravel(_ named: String) throws {
        let file = try tree.file("config/galaxy.yml", "password")
        try tree.file("config/other.yml", "x")
        try tree.link("linked.yml", to: "config/galaxy.yml")
        let hard = try tree.at("hard.yml")
        #expect(file.withCString { file in hard.withCString { link(file, $0) } } == 0)
        world.description.referenceData = [.init(path: try tree.at(named))]
        #expect(throws: Never.self) { try JobSurvey(world.description) }
        let error = #expect(throws: StagingError.self) {
            try JobSurvey(
                world.description,
                privateFiles: [Array("/nowhere".utf8), tree.at("config/galaxy.yml").bytes]
            )
        }
        #expect(error?.code == .refused)
        #expect(
            error?.what.contains("it holds keys, or the configuration, of the head node") == true
        )
    }

    @Test func aGalaxyTreeIsFoundWhole() throws {
        try world.addInput("data/000/dataset_1.dat", Array("input".utf8))
        try tree.file("data/000/dataset_1_files/sub/x", "extra")
        try tree.directory("data/000/dataset_1_files/empty")
        try tree.file("data/_metadata/metadata_1.dat", "index")
        world.description.inputs[0].extraFiles = try tree.at("data/000/dataset_1_files")
        world.description.inputs[0].metadataFiles = [try tree.at("data/_metadata/metadata_1.dat")]
        try tree.file("tools/cat/cat.py", "tool")
        try tree.file("tools/cat/test-data/x", "not needed")
        world.description.toolFiles = [
            .init(root: try tree.at("tools/cat"), files: [try RelativePath("cat.py")])
        ]
        try tree.file("ref/hg38/seq/hg38.fa", "fasta")
        world.description.referenceData = [.init(path: try tree.at("ref/hg38"))]
        try world.addOutput("data/000/dataset_2.dat", extra: "data/000/dataset_2_files")
        try tree.file("jobs/1/_working/x", "remade")
        try tree.file("jobs/1/galaxy_s3/state", "ours")
        try tree.file("jobs/1/tmp/x", "remade")

        let survey = try JobSurvey(world.description)
        let data = [
            "data/000/dataset_1.dat", "data/000/dataset_1_files/sub/x",
            "data/_metadata/metadata_1.dat", "ref/hg38/seq/hg38.fa",
        ]
        #expect(try survey.data.map(\.path).sorted() == data.map { try tree.at($0) })
        #expect(try survey.tools.map(\.path) == [tree.at("tools/cat/cat.py")])
        #expect(try survey.placeholders.map(\.path) == [tree.at("data/000/dataset_2.dat")])
        #expect(try survey.job.files.map(\.path) == [tree.at("jobs/1/galaxy_1.sh")])
        #expect(
            try survey.directories.contains {
                $0.path == (try tree.at("data/000/dataset_1_files/empty"))
            }
        )

        let plan = try StagePlan(survey, packBelow: 5)
        #expect(
            try plan.roots
                == ["data/000", "data/_metadata", "jobs/1", "ref/hg38", "tools/cat"]
                .map { try tree.at($0) }
        )
        #expect(try plan.runPack.map(\.path) == [tree.at("data/000/dataset_2.dat")])
        #expect(try plan.runObjects.map(\.path) == [tree.at("jobs/1/galaxy_1.sh")])
        #expect(plan.files == 7)
        #expect(plan.toolPack.count == 1 && plan.dataPack.count == 4 && plan.shared.isEmpty)
        #expect(try StagePlan(survey, packBelow: 4).shared.count == 4)
    }

    @Test("B56: an input that is missing, a directory, or special is named")
    func badInputs() throws {
        let missing = try tree.at("data/gone.dat")
        world.description.inputs = [.init(path: missing, extraFiles: nil, metadataFiles: nil)]
        #expect(error()?.code == .missing)
        #expect(error()?.what.contains(missing.description) == true)

        let directory = try tree.directory("data/dir")
        world.description.inputs[0].path = directory
        #expect(error()?.what == "\(directory) is no regular file")

        try tree.fifo("data/pipe")
        world.description.inputs[0].path = try tree.at("data/pipe")
        #expect(error()?.code == .refused)

        try tree.link("data/dangling", to: "nowhere")
        world.description.inputs[0].path = try tree.at("data/dangling")
        #expect(error()?.code == .missing)
    }

    @Test("B56, B12: the same file twice is staged once, names but for case are two")
    func repeats() throws {
        for _ in 0..<3 { try world.addInput("data/same.dat", [1]) }
        try world.addInput("data/SAME.dat", [2])
        try world.addInput("jobs/1/galaxy_1.sh", [3])
        world.description.referenceData = [.init(path: try tree.at("data/same.dat"))]
        let survey = try JobSurvey(world.description)
        #expect(
            try survey.data.map(\.path).sorted() == [
                tree.at("data/SAME.dat"), tree.at("data/same.dat"),
            ]
        )
        #expect(survey.job.files.count == 1)
    }

    @Test(
        "B15: a link out of the roots is refused by name",
        arguments: [
            "/etc/passwd", "../../../../outside", "../../../etc/passwd", "/proc/self/environ",
            "/../../etc", "",
        ]
    )
    func linksOut(_ target: String) throws {
        guard !target.isEmpty else { return }
        let link = try tree.link("jobs/1/working/link", to: target)
        #expect(error()?.code == .refused)
        #expect(error()?.what.utf8.starts(with: "\(link) is a link to \(target)".utf8) == true)
    }

    @Test("B15: links that stay inside travel, a link to a root itself too")
    func linksInside() throws {
        try world.addInput("data/in.dat", [1])
        let targets = [
            "../../../data/in.dat", "galaxy_1.sh", "nowhere", "..",
            tree.path.description + "/data/in.dat", "../..",
        ]
        for (index, target) in targets.enumerated().dropLast() {
            try tree.link("jobs/1/working/l\(index)", to: target)
        }
        #expect(try JobSurvey(world.description).links.count == 5)
        try tree.link("jobs/1/working/out", to: targets[5])
        #expect(error()?.code == .refused)
    }

    @Test("B17: a FIFO in the job directory is refused by name")
    func fifo() throws {
        try tree.fifo("jobs/1/working/pipe")
        #expect(
            error()?.what.utf8
                .starts(with: "\(try tree.at("jobs/1/working/pipe")) cannot be sent".utf8) == true
        )
    }

    @Test func referenceDataIsAFileADirectoryOrAPrefix() throws {
        for name in ["hg38.1.bt2", "hg38.2.bt2", "hg38x.1.bt2", "hg3", "other.1.bt2"] {
            try tree.file("ref/\(name)", name)
        }
        try tree.directory("ref/hg38.dir")
        world.description.referenceData = [.init(path: try tree.at("ref/hg38"))]
        let expected = try ["ref/hg38.1.bt2", "ref/hg38.2.bt2"].map { try tree.at($0) }
        #expect(try JobSurvey(world.description).data.map(\.path) == expected)
        // The file itself, and what belongs to it.
        try tree.file("ref/hg38", "self")
        #expect(
            try JobSurvey(world.description).data.map(\.path) == [tree.at("ref/hg38")] + expected
        )
        world.description.referenceData = [.init(path: try tree.at("ref/hg39"))]
        #expect(error()?.code == .missing)
        #expect(error()?.what.contains("hg39") == true)
        world.description.referenceData = [.init(path: try tree.at("nowhere/hg39"))]
        #expect(error()?.code == .missing)
    }

    @Test("what stands beside a reference file under its name, with another extension")
    func referenceFilesOfOneName() throws {
        let names = ["hg38.dict", "hg38.fa", "hg38.fa.fai", "hg38.fa.gz"]
        for name in names + ["hg38", "hg38x.dict", "hg39.dict", ".fa"] {
            try tree.file("ref/\(name)", name)
        }
        world.description.referenceData = [.init(path: try tree.at("ref/hg38.fa"))]
        #expect(
            try JobSurvey(world.description).data.map(\.path).sorted()
                == names.map { try tree.at("ref/\($0)") }.sorted()
        )
        // A hidden file has no name before its extension.
        world.description.referenceData = [.init(path: try tree.at("ref/.fa"))]
        #expect(try JobSurvey(world.description).data.map(\.path) == [tree.at("ref/.fa")])
    }

    @Test("links of tools and reference data that lead out are what they lead to")
    func linksOfAnAdministrators() async throws {
        try tree.file("seq/x.fa", "sequence")
        try tree.file("shared/lib/one.py", "one")
        try tree.file("shared/two.py", "two")
        try tree.link("shared/lib/two.py", to: "../two.py")
        try tree.link("shared/lib/all", to: "../..")
        try tree.file("ref/db/y.fa", "y")
        try tree.link("ref/db/x.fa", to: "../../seq/x.fa")
        try tree.link("ref/db/z.fa", to: "y.fa")
        try tree.link("ref/db/gone", to: "../../nowhere")
        try tree.link("ref/db/round", to: "..")
        try tree.file("tools/cat/cat.py", "tool")
        try tree.link("tools/cat/lib", to: "../../shared/lib")
        world.description.referenceData = [.init(path: try tree.at("ref/db"))]
        world.description.toolFiles = [.init(root: try tree.at("tools/cat"), files: nil)]

        let survey = try JobSurvey(world.description)
        let data = try ["ref/db/x.fa", "ref/db/y.fa"].map { try tree.at($0) }
        #expect(survey.data.map(\.path).sorted() == data)
        #expect(survey.reference == Set(data))
        // What is below a link that was followed is a file, wherever its own links lead.
        #expect(
            try survey.tools.map(\.path).sorted()
                == ["cat.py", "lib/one.py", "lib/two.py"].map { try tree.at("tools/cat/\($0)") }
        )
        #expect(try survey.links.map(\.path) == [tree.at("ref/db/z.fa")])
    }

    @Test func aToolFileThatIsMissingIsNamed() throws {
        try tree.directory("tools/cat")
        world.description.toolFiles = [
            .init(root: try tree.at("tools/cat"), files: [try RelativePath("lib/x.py")])
        ]
        #expect(error()?.code == .missing)
        #expect(error()?.what.contains("/tools/cat/lib/x.py") == true)
    }

    @Test func extraFilesOutsideTheJobHaveARootThoughTheirOutputIsInside() throws {
        let output = try tree.file("jobs/1/outputs/dataset_3.dat")
        let extra = try tree.at("data/dataset_3_files")
        world.description.outputs = [.init(name: "o", path: output, extraFiles: extra)]
        let plan = try world.plan()
        #expect(plan.roots.contains { extra.isAtOrBelow($0) })
        #expect(plan.runPack.map(\.path).contains(output))
    }

    @Test("B53, B55, B57: a description that cannot be carried out is refused")
    func descriptions() throws {
        func refusal(
            _ change: (inout JobDescription) throws -> Void
        ) throws -> String {
            var changed = world.description
            try change(&changed)
            let error = #expect(throws: StagingError.self) { try changed.validate() }
            #expect(error?.code == .job)
            return error?.what ?? ""
        }
        try world.description.validate()
        for id in [
            "", "-1", "12; rm -rf /", "../1", "1\u{301}", String(repeating: "1", count: 300),
        ] {
            #expect(try refusal { $0.galaxyID = id }.contains("galaxy_id"))
        }
        #expect(try refusal { $0.command = [] }.contains("command"))
        #expect(try refusal { $0.command = [ByteString("bash")] }.contains("command"))
        #expect(try refusal { $0.command.append(ByteString([0x61, 0])) }.contains("NUL"))
        for name in ["", "A=B", "A\u{0}"] {
            #expect(try refusal { $0.environment[name] = ByteString("x") }.contains("environment"))
        }
        #expect(try refusal { $0.environment["A"] = ByteString([0]) }.contains("environment"))
        #expect(try refusal { $0.exitCodeFile = try tree.at("data/ec") }.contains("/data/ec"))
        #expect(try refusal { $0.stdout = $0.jobDirectory }.contains("not below"))
        let own = try tree.at("jobs/1/galaxy_s3/x")
        let input = JobDescription.Input(path: own, extraFiles: nil, metadataFiles: nil)
        #expect(try refusal { $0.inputs = [input] }.contains("galaxy_s3/x"))
        #expect(try refusal { $0.stdout = own }.contains("galaxy_s3/x"))
        for (path, extra) in [(own, nil), (try tree.at("data/o"), try tree.at("jobs/1/galaxy_s3"))]
        {
            let output = JobDescription.Output(name: "o", path: path, extraFiles: extra)
            #expect(try refusal { $0.outputs = [output] }.contains("galaxy_s3"))
        }
        #expect(
            try refusal { $0.workingDirectory = try tree.at("jobs/12") }
                .contains("working_directory")
        )
        try world.addOutput("data/out")
        #expect(
            try refusal { $0.outputs.append($0.outputs[0]) }
                .contains("is the output data/out and the output data/out")
        )
        #expect(
            try refusal {
                $0.inputs = [.init(path: $0.outputs[0].path, extraFiles: nil, metadataFiles: nil)]
            }
            .contains("is an input and the output")
        )
        // Any other bytes are fine: they never meet a shell of ours.
        world.description.command.append(ByteString(Array("'\"`$(id)\n".utf8) + [0xFF]))
        try world.description.validate()
    }

    @Test("B57: an output that would replace what the job or another one needs is refused")
    func overlaps() throws {
        let tree = tree
        func refusal(
            _ path: String,
            extra: String? = nil,
            _ change: (inout JobDescription) throws -> Void = { _ in }
        ) throws -> String? {
            var changed = world.description
            changed.inputs = [
                .init(
                    path: try tree.at("data/1.dat"),
                    extraFiles: try tree.at("data/1_files"),
                    metadataFiles: [try tree.at("data/meta/1.bai")]
                )
            ]
            changed.referenceData = [.init(path: try tree.at("ref/hg38"))]
            changed.toolFiles = [
                .init(root: try tree.at("tools/cat"), files: nil),
                .init(root: try tree.at("tools"), files: [try RelativePath("lib/x.py")]),
            ]
            let extraFiles = try extra.map { try tree.at($0) }
            let other = try tree.at("data/2_files")
            changed.outputs = [
                .init(name: "a", path: try tree.at("data/2.dat"), extraFiles: other),
                .init(name: "o", path: try tree.at(path), extraFiles: extraFiles),
            ]
            try change(&changed)
            do throws(StagingError) {
                try changed.validate()
                return nil
            } catch {
                #expect(error.code == .job)
                return error.what
            }
        }
        for path in [
            "data/1.dat/x", "data/1_files/x", "data/1_files", "data/meta/1.bai", "data/meta",
            "data",
            "ref/hg38", "ref/hg38/x", "ref/hg38.x.y", "ref/hg38.d/x", "ref", "tools/cat/new",
            "tools/cat", "tools/lib/x.py",
            "tools/lib", "data/2_files/x", "data/2.dat/x", "jobs/2/outputs/x", "jobs",
        ] {
            let what = try refusal(path)
            #expect(what?.contains("output o") == true, "\(path): \(what ?? "accepted")")
            let extra = try refusal("data/3.dat", extra: path)
            #expect(extra?.contains("extra files of o") == true, "\(path): \(extra ?? "accepted")")
        }
        #expect(try refusal("data/3.dat", extra: "data/3.dat")?.contains("data/3.dat") == true)
        // What Galaxy sends: beside inputs, in its file store or its cache; in the job directory.
        let meant = [
            ("data/3.dat", "data/3_files"), ("data/1_fil", "data/meta/3"), ("ref/hg38x", nil),
            ("tools/lib/y.py", nil), ("jobs/1/outputs/3.dat", "jobs/1/outputs/3_files"),
            ("jobs/1/working/x", "jobs/1/2/x"), ("jobs/dataset_3.dat", "jobs/dataset_3_files"),
        ]
        for (path, extra) in meant { #expect(try refusal(path, extra: extra) == nil, "\(path)") }
        // The job directory is the job's own, also below a directory that travels whole.
        let inside = try refusal("jobs/1/outputs/3.dat") { description in
            description.toolFiles = [.init(root: try tree.at("jobs"), files: nil)]
        }
        #expect(inside == nil)
    }
}
