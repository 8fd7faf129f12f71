// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// Galaxy is rarely root, and not every machine lets its users make namespaces.
@Suite(
    .processes,
    .enabled(if: !TestServer.isOff),
    .enabled("it takes root to become somebody else") { geteuid() == 0 }
)
struct UserTests {
    private static let somebody = [
        "setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups",
    ]

    private func job(_ lab: Lab) throws -> GalaxyJob {
        let tool = """
            id -u > "$OUT"; mkdir "$OUT_FILES"; chmod 750 "$OUT_FILES"; echo x > "$OUT_FILES/x"
            echo secret > private; chmod 600 private; mkdir -p empty/deep; chmod 700 empty
            """
        let job = try GalaxyJob(folder: lab.folder, tool: tool)
        try Shell.run("chown -R 12345:12345 \(lab.folder)")
        return job
    }

    @Test(arguments: ["single", "split"]) func anOrdinaryUserRunsAWholeJob(
        _ shape: String
    ) async throws {
        try await Lab.run { lab in
            let job = try job(lab)
            let ending = try await lab.head(
                "run",
                job,
                ["--json", "--set", "local.shape=\(shape)"],
                through: Self.somebody
            )
            #expect(ending.status == 0, "\(ending.output)\(ending.errors)")
            #expect(Shell.text(job.output) == "12345\n")
            let found = try Shell.run(
                "cd \(job.working); stat -c '%n %a %u' private empty ../outputs/dataset_3_files"
            )
            #expect(
                found
                    == "private 600 12345\nempty 700 12345\n../outputs/dataset_3_files 750 12345\n"
            )
        }
    }

    @Test func aCacheIsWhoseTheWorkersAre() async throws {
        try await Lab.run { lab in
            let place = NodeCacheTests.place(lab)
            let jobs = try (1...2).map { try NodeCacheTests.job(lab, $0) }
            // What has just changed is staged by each head for itself.
            try Shell.run("chown -R 12345:12345 \(lab.folder); sleep 3")
            for (index, job) in jobs.enumerated() {
                let ending = try await lab.head(
                    "run",
                    job,
                    ["--json"] + NodeCacheTests.options(lab),
                    through: Self.somebody
                )
                #expect(ending.status == 0, "\(ending.output)\(ending.errors)")
                let isCached = ending.output.contains(#""cachedBytes":3000000"#)
                #expect(isCached == (index == 1), "\(ending.output)")
                try NodeCacheTests.expectResult(of: job, lab)
            }
            let found = try Shell.run("cd \(place); stat -c '%n %a %u' galaxy-s3-*")
            #expect(found == "galaxy-s3-12345 700 12345\n")
        }
    }

    @Test func anInputThatMayNotBeReadIsNamed() async throws {
        try await Lab.run { lab in
            let job = try job(lab)
            try Shell.run("chown root \(job.largeInput); chmod 600 \(job.largeInput)")
            let ending = try await lab.head("run", job, through: Self.somebody)
            #expect(ending.status == 66)
            for word in [job.largeInput, "Permission denied", "12345"] {
                #expect(ending.errors.contains(word), "\(ending.errors)")
            }
        }
    }

    @Test func aJobDirectoryThatMayNotBeWrittenIsNamed() async throws {
        try await Lab.run { lab in
            let job = try job(lab)
            try Shell.run("chown root \(job.directory); chmod 755 \(job.directory)")
            let ending = try await lab.head("run", job, through: Self.somebody)
            #expect(ending.status == 66 || ending.status == 71)
            for word in [job.directory, "Permission denied"] {
                #expect(ending.errors.contains(word), "\(ending.errors)")
            }
        }
    }

    /// F08: results stay in the bucket, and come when the directory may be written again.
    @Test func anOutputDirectoryThatMayNotBeWrittenLosesNothing() async throws {
        try await Lab.run { lab in
            let job = try job(lab)
            try Shell.run("chown root \(job.outputs); chmod 755 \(job.outputs)")
            let first = try await lab.head("run", job, ["--json"], through: Self.somebody)
            #expect(first.status != 0)
            for word in [job.outputs, "user 12345 of group 12345"] {
                #expect(first.output.contains(word), "\(first.output)")
            }
            try Shell.run("chown 12345 \(job.outputs)")
            let second = try await lab.head("run", job, ["--json"], through: Self.somebody)
            #expect(second.status == 0, "\(second.output)")
            #expect(Shell.text(job.output) == "12345\n")
            #expect(try await lab.keys("started.json").count == 1)
        }
    }

    /// In a user namespace that allows no further ones, as where an administrator forbids them.
    @Test func whereNamespacesAreForbiddenOneLineSaysSo() async throws {
        try await Lab.run { lab in
            let job = try GalaxyJob(folder: lab.folder, tool: "echo done > $OUT")
            let forbidden = [
                "unshare", "--user", "--map-root-user", "bash", "-c",
                "echo 0 > /proc/sys/user/max_user_namespaces; exec \"$@\"", "head", "setpriv",
                "--bounding-set=-all", "--inh-caps=-all",
            ]
            let ending = try await lab.head("run", job, ["--json"], through: forbidden)
            let answer = try RunAnswer(ending)
            #expect(ending.status == 1)
            let message = answer.ending?.message ?? answer.error?.message ?? ""
            #expect(message.contains("namespace"), "\(message)")
            #expect(answer.failedTries.count == 1, "it is no disruption: \(answer.failedTries)")
        }
    }
}
