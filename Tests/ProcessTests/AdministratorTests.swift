// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// What an administrator does by hand, with the real program and a real server.
@Suite(.processes, .enabled(if: !TestServer.isOff)) struct AdministratorTests {
    private static let serial = Counter()

    private func run(
        _ lab: Lab,
        _ words: [String],
        environment changes: [String: String] = [:]
    ) async throws -> RunningProgram.Ending {
        try await RunningProgram(
            [lab.programs.headNode] + words,
            environment: lab.environment.merging(changes) { $1 },
            streams: "\(lab.folder)/streams/hand-\(Self.serial.next())"
        )
        .ending()
    }

    @Test func aGoodServerPassesEveryExamination() async throws {
        try await Lab.run { lab in
            let ending = try await run(lab, ["doctor", "--json"] + lab.settings)
            #expect(ending.status == 0, "\(ending.output)\(ending.errors)")
            let lines = ending.output.split(separator: "\n")
            #expect(lines.count == 14)
            for check in ["conditional put", "checksum", "worker", "bubblewrap", "delete"] {
                let line = lines.first { $0.contains("\"check\":\"\(check)\"") }
                #expect(line?.contains("\"verdict\":\"ok\"") == true, "\(check): \(line ?? "")")
            }
            #expect(try await lab.keys() == [])
        }
    }

    /// moto takes any checksum: the difference between two servers must show.
    @Test func aServerThatChecksNothingIsWarnedOf() async throws {
        try await Lab.run(on: TestServer.running(.moto)) { lab in
            let ending = try await run(lab, ["doctor", "--json"] + lab.settings)
            let line = ending.output.split(separator: "\n")
                .first { $0.contains("\"check\":\"checksum\"") }
            #expect(line?.contains("\"verdict\":\"warn\"") == true, "\(ending.output)")
            #expect(try await lab.keys() == [])
        }
    }

    @Test func aFileGoesThereAndBack() async throws {
        try await Lab.run { lab in
            let url = "s3://\(lab.server.bucket)/\(lab.prefix)"
            let (source, target) = ("\(lab.folder)/in \u{e9}", "\(lab.folder)/back/")
            try Shell.run("head -c 20000001 /dev/urandom > '\(source)'; mkdir '\(target)'")
            let up = try await run(lab, ["s3", "cp", source, url + "/"] + lab.settings)
            #expect(up.status == 0, "\(up.errors)")
            let listed = try await run(lab, ["s3", "ls", url + "/"] + lab.settings)
            #expect(listed.output.contains("20000001  \(lab.prefix)/in \u{e9}\n"))
            let key = url + "/in \u{e9}"
            let down = try await run(
                lab,
                ["s3", "cp", key, target, "--part-size", "5Mi", "--json"] + lab.settings
            )
            #expect(down.status == 0, "\(down.errors)")
            #expect(down.output.contains("\"bytes\":20000001"))
            try Shell.run(
                "cmp '\(source)' '\(target)in \u{e9}'; [ $(ls -A '\(target)' | wc -l) = 1 ]"
            )
            let shown = try await run(lab, ["s3", "stat", key] + lab.settings)
            #expect(shown.output.contains("size       20000001\n"))
            let removed = try await run(lab, ["s3", "rm", "--recursive", url + "/"] + lab.settings)
            #expect(removed.output == "\(lab.prefix)/in \u{e9}\n")
            #expect(try await lab.keys() == [])
            #expect(try await run(lab, ["s3", "stat", key] + lab.settings).status == 66)
        }
    }

    @Test func aDirectoryGoesThereAndBack() async throws {
        try await Lab.run { lab in
            let url = "s3://\(lab.server.bucket)/\(lab.prefix)/dir/"
            let (source, target) = ("\(lab.folder)/in", "\(lab.folder)/out/deep")
            try Shell.run(
                """
                mkdir -p '\(source)/sub/.hidden'; cd '\(source)'; ln -s sub link
                for i in {1..1100}; do echo $i > sub/$i; done; : > sub/.hidden/none
                head -c 17000000 /dev/urandom > large
                """
            )
            let copy = ["s3", "cp", "--recursive", "--json"] + lab.settings
            let linked = try await run(lab, copy + [source, url])
            #expect(linked.status == 1)
            #expect(linked.output.contains("it is a symbolic link"))
            let up = try await run(lab, copy + ["--skip-links", source + "/", url])
            #expect(up.status == 0, "\(up.output)\(up.errors)")
            #expect(up.output.contains("\"files\":1102"))
            #expect(up.output.contains("\"skipped_links\":1"))
            let down = try await run(lab, copy + [url, target])
            #expect(down.status == 0, "\(down.output)\(down.errors)")
            #expect(down.output.contains("\"files\":1102"))
            #expect(try Shell.run("rm '\(source)/link'; diff -r '\(source)' '\(target)'") == "")
            let nobody = try await run(
                lab,
                copy + [url, target],
                environment: ["AWS_SECRET_ACCESS_KEY": "wrong"]
            )
            #expect(nobody.status == 77)
            let file = url.dropLast()
            #expect(try await run(lab, copy + [String(file), target]).status == 64)
        }
    }

    @Test func whatIsWrongIsSaidInWords() async throws {
        try await Lab.run { lab in
            let url = "s3://\(lab.server.bucket)/\(lab.prefix)/"
            let list = ["s3", "ls"]
            let secret = try await run(
                lab,
                list + [url] + lab.settings,
                environment: ["AWS_SECRET_ACCESS_KEY": "wrong"]
            )
            #expect(secret.status == 77)
            #expect(secret.errors.contains("the secret key is wrong (403 SignatureDoesNotMatch"))
            let stranger = try await run(
                lab,
                list + [url] + lab.settings,
                environment: ["AWS_ACCESS_KEY_ID": "AKIASTRANGER"]
            )
            #expect(stranger.status == 77)
            #expect(stranger.errors.contains("the access key is not known"))
            let nobody = try await run(
                lab,
                list + [url] + lab.settings,
                environment: ["AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""]
            )
            #expect(nobody.status == 77)
            let bucket = try await run(lab, list + ["s3://no-such-bucket/"] + lab.settings)
            #expect(bucket.status == 66)
            #expect(bucket.errors.contains("there is no such bucket"))
            let object = ["s3", "stat", "s3://no-such-bucket/key"] + lab.settings
            #expect(try await run(lab, object).errors.contains("there is no such bucket"))
            let nowhere = ["--set", "s3.endpoint=http://127.0.0.1:1"]
            let doctor = try await run(lab, ["doctor"] + lab.settings + nowhere)
            #expect(doctor.status == 1)
            #expect(doctor.output.contains("http://127.0.0.1:1 cannot be reached"))
        }
    }

    @Test func configurationHasAStatusOfItsOwn() async throws {
        try await Lab.run { lab in
            let path = "\(lab.folder)/galaxy.yml"
            try Shell.run(
                "printf 's3_executor:\\n  retires: 1\\n  s3: {bucket: data}\\n' > \(path)"
            )
            let wrong = try await run(lab, ["check-config", "--config", path])
            #expect(wrong.status == 78)
            #expect(
                wrong.errors
                    == "\(path):2:3: unknown key retires; did you mean retries?; write retries, or "
                    + "delete the line\n"
            )
            let jobs = "\(lab.folder)/job_conf.yml"
            try Shell.run(
                """
                printf '  kubernetes: {k8s_data_volume_claim: x}\\n' >> \(path)
                printf 'runners: {s3: {load: "galaxy_s3_executor.runner:S3JobRunner", workers: many, \
                resubmit: x}}\\nexecution: {environments: {a: {runner: b}}}\\n' > \(jobs)
                """
            )
            let both = try await run(lab, ["check-config", "--config", path])
            #expect(both.status == 78)
            for words in [
                "warning: \(path):4:16: kubernetes.k8s_data_volume_claim has no effect",
                "warning: \(jobs):2:32: there is no runner b", "\(path):2:3: unknown key retires",
                "\(jobs):1:63: workers is no whole number",
            ] {
                #expect(both.errors.contains(words), "\(both.errors)")
            }
            let right = try await run(lab, ["check-config"] + lab.settings)
            #expect(right.status == 0)
            #expect(right.output.contains("s3.bucket"))
            #expect(try await run(lab, ["check-config", "--what"]).status == 64)
            #expect(try await run(lab, ["s3", "cp", "a", "b"]).status == 64)
            #expect(try await run(lab, ["check-config", "--config", "/nowhere"]).status == 78)
        }
    }
}
