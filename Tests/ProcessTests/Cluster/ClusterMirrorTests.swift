// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

/// A tool's image comes from where the administrator says, by tag or by digest.
@Suite(.processes, .enabled(if: !TestCluster.isOff)) struct ClusterMirrorTests {
    /// A registry on this machine that has busybox under another name.
    private struct Mirror {
        static let name = "quay.io/biocontainers/x"

        let program: RunningProgram
        let address: String
        /// Of the image's manifest, `sha256:…`.
        let digest: String

        static func run(
            in folder: String,
            _ body: (Mirror) async throws -> Void
        ) async throws {
            let tools =
                #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/Tools"
            let archive =
                try Shell.run("'\(tools)/test-images' busybox 2> /dev/null")
                .split(separator: "\n").last.map(String.init) ?? ""
            let digest = try Shell.run(
                "tar -xOf '\(archive)' index.json | grep -oE 'sha256:[0-9a-f]{64}' | head -n 1"
            )
            let program = try RunningProgram(
                ["/usr/bin/python3", "\(tools)/registry.py", "0", "\(name):1=\(archive)"],
                environment: ["PATH": "/usr/local/bin:/usr/bin:/bin"],
                streams: "\(folder)/registry"
            )
            defer { program.send(SIGKILL) }
            try await Patience.long.wait("the registry") { program.output.contains("\n") }
            let mirror = Mirror(
                program: program,
                address: String(program.output.prefix { $0 != "\n" }),
                digest: String(digest.prefix { $0 != "\n" })
            )
            try await body(mirror)
        }
    }

    @Test(
        "the pod pulls from the mirror, with tag or digest as they were",
        arguments: ["1", "digest"]
    )
    func mirror(_ version: String) async throws {
        try await ClusterLab.run { lab in
            try await Mirror.run(in: lab.lab.folder) { mirror in
                let suffix = version == "digest" ? "@\(mirror.digest)" : ":\(version)"
                let job = try lab.job(
                    "md5sum < \"$IN1\" > \"$OUT\"",
                    image: Mirror.name + suffix,
                    shell: "/bin/sh"
                )
                let (status, answer) = try await lab.run(
                    job,
                    more: ["kubernetes.registry_mirrors=quay.io=\(mirror.address)/quay.io"],
                    patience: .veryLong
                )
                #expect(status == 0, "\(answer.message)")
                #expect(Shell.text(job.output) == (try Shell.run("md5sum < \(job.largeInput)")))
                let image = try lab.cluster.kubectl(
                    "get pods -l galaxy-s3-executor/instance=\(lab.instance) -o "
                        + "jsonpath='{.items[0].spec.containers[?(@.name==\"tool\")].image}'"
                )
                #expect(image == "\(mirror.address)/\(Mirror.name)\(suffix)")
                let place = "/v2/\(Mirror.name)/manifests/\(suffix.dropFirst()) 200"
                #expect(mirror.program.output.contains(place), "\(mirror.program.output)")
            }
        }
    }

    @Test("an image that the mirror lacks ends the run with the mirror's name")
    func absent() async throws {
        try await ClusterLab.run { lab in
            try await Mirror.run(in: lab.lab.folder) { mirror in
                let job = try lab.job("true", image: "quay.io/biocontainers/y:1")
                let (status, answer) = try await lab.run(
                    job,
                    more: [
                        "kubernetes.registry_mirrors=quay.io=\(mirror.address)/quay.io",
                        "kubernetes.image_pull_limit=10s",
                    ],
                    patience: .veryLong
                )
                #expect(status == 1)
                #expect(answer.message.contains("\(mirror.address)/quay.io/biocontainers/y:1"))
                #expect(mirror.program.output.contains("/quay.io/biocontainers/y/manifests/1 404"))
            }
        }
    }
}
