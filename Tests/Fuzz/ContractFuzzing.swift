// SPDX-License-Identifier: Apache-2.0

import Contract
import Names

@testable import Staging

enum ContractFuzzing {
    /// A document that was read is written and read again as the same.
    private static func document<Value: VersionedDocument & Equatable>(
        _ type: Value.Type,
        _ bytes: [UInt8]
    ) -> Value? {
        guard let value = try? ContractCoding.decode(type, from: bytes, name: "document") else {
            return nil
        }
        guard let again = try? ContractCoding.encode(value) else {
            preconditionFailure("it was read and cannot be written")
        }
        let same = try? ContractCoding.decode(type, from: again, name: "document")
        precondition(same == value, "it is another one when it is read again")
        return value
    }

    static func spec(_ bytes: [UInt8]) {
        guard let spec = try? ContractCoding.decode(RunSpec.self, from: bytes, name: "spec") else {
            return
        }
        precondition((try? ContractCoding.encode(spec)) != nil)
    }

    /// What of a spec counts for a report.
    private static let reference: RunSpec? = {
        guard let run = try? RunID("42-0123456789abcdef"),
            let prefix = try? KeyPrefix("galaxy/test"),
            let instance = try? InstanceName("main"), let job = try? FilePath("/galaxy/jobs/42"),
            let output = try? FilePath("/galaxy/data/dataset_7.dat"),
            let data = try? FilePath("/galaxy/data"), let log = try? job.appending("o")
        else { return nil }
        return RunSpec(
            run: run,
            layout: JobLayout(prefix: prefix, instance: instance),
            command: [],
            workingDirectory: job,
            environment: [:],
            roots: [data, job],
            directories: [],
            links: [],
            packs: [],
            inputs: [],
            outputs: [OutputEntry(name: "out", path: output, extraFiles: nil, ownObject: true)],
            job: JobFiles(
                directory: job,
                exitCode: log,
                toolStdout: log,
                toolStderr: log,
                jobStdout: log,
                jobStderr: log
            ),
            push: PushRules(onFailure: .all, leaveBehind: [], packBelow: 0),
            limits: Limits()
        )
    }()

    static func report(_ bytes: [UInt8]) {
        guard let spec = reference else { preconditionFailure("the sample is wrong") }
        guard
            let report = try? ContractCoding.decode(
                AttemptReport.self,
                from: bytes,
                name: "report"
            ),
            let plan = try? CollectPlan(report, of: spec, given: GivenPlaces(spec, fetched: []))
        else { return }
        func isOurs(_ path: FilePath) -> Bool {
            path.isAtOrBelow(spec.job.directory) || path == spec.outputs[0].path
        }
        precondition(plan.objects.allSatisfy { isOurs($0.file.path) && $0.file.size >= 0 })
        precondition(
            plan.links.allSatisfy {
                $0.target == LinkRules.leftBehind || LinkRules.target(of: $0).map(isOurs) == true
            }
        )
        precondition(plan.packs.allSatisfy { $0.files.keys.allSatisfy(isOurs) })
        HeadFuzzing.tell(report, of: spec.job.directory)
    }

    static func result(_ bytes: [UInt8]) {
        _ = document(RunResult.self, bytes)
        _ = try? ContractCoding.decode(AttemptStarted.self, from: bytes, name: "beginning")
    }

    static func frames(_ bytes: [UInt8]) {
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let frame = WorkerFrame(line: line) else { continue }
            precondition((try? frame.line()) != nil)
            HeadFuzzing.show(frame)
        }
    }

    /// The first byte says in what pieces the rest arrives.
    static func packs(_ bytes: [UInt8]) {
        var parser = TarParser()
        let piece = Int(bytes.first ?? 0) * 7 + 1
        var rest = bytes.dropFirst()
        do {
            while !rest.isEmpty {
                let next = Array(rest.prefix(piece))
                rest = rest.dropFirst(piece)
                try next.withUnsafeBytes { (buffer) throws in
                    var input = buffer
                    while let event = try parser.next(&input) {
                        switch event {
                        case .begin(let member):
                            precondition(member.size >= 0)
                            precondition((try? RelativePath(member.name.bytes)) != nil)
                        case .contents(let count):
                            precondition((1...input.count).contains(count))
                            input = UnsafeRawBufferPointer(rebasing: input[count...])
                        case .endOfMember, .endOfArchive: break
                        }
                    }
                    precondition(input.isEmpty, "it stopped before the end of what it was given")
                }
            }
        } catch {
            return
        }
    }
}
