// SPDX-License-Identifier: Apache-2.0

import Contract
import Staging
import Testing

@testable import HeadNode

/// Galaxy's destinations in the words of the configuration.
@Suite struct DestinationTests {
    private func settings(
        _ parameters: [String: ParameterValue],
        flags: [String] = []
    ) throws -> RunSettings {
        let sources = SettingsSources(
            environment: ["HOME": "/home/galaxy"],
            flags: ["s3.bucket=data"] + flags
        )
        var resolver = sources.resolver()
        let destinations = DestinationSettings(
            sources,
            try resolver.settings(),
            warnings: resolver.warnings
        )
        return try destinations.find(Destination(name: "k8s", parameters: parameters))
    }

    private func lines(_ parameters: [String: ParameterValue]) -> [String] {
        do {
            _ = try settings(parameters)
            return []
        } catch let error as ConfigError {
            return error.lines
        } catch {
            return ["\(error)"]
        }
    }

    @Test func namesOfGalaxysRunnerAndOursWinOverEverything() throws {
        let found = try settings(
            [
                "requests_cpu": .text("1500m"), "limits_memory": .text("4Gi"),
                "limits_cpu": .integer(2), "requests_memory": .integer(1 << 30),
                "k8s_read_only_root_filesystem": .text("True"), "retries": .integer(7),
                "limits.walltime": .text("90s"), "k8s_node_selector": .map(["pool": .text("big")]),
                "image_pull_secrets": .list([.text("one"), .text("two")]),
                "k8s_walltime_limit": .null,
            ],
            flags: ["retries=2", "kubernetes.requests_cpu=100m"]
        )
        let tool = found.settings.kubernetes.tool
        #expect(tool.resources.requests.cpu == 1500)
        #expect(tool.resources.requests.memory == 1 << 30)
        #expect(tool.resources.limits.cpu == 2000)
        #expect(tool.resources.limits.memory == 4 << 30)
        #expect(tool.isRootReadOnly)
        #expect(found.settings.retries == 7)
        #expect(found.settings.staging.limits.walltimeSeconds == 90)
        #expect(found.settings.kubernetes.placement.nodeSelector == ["pool": "big"])
        #expect(found.settings.kubernetes.images.pullSecrets == ["one", "two"])
        #expect(found.remarks == [])
    }

    @Test func aJobConfigurationInXMLHasTextsAlone() throws {
        let typed = try settings(
            [
                "limits_cpu": .integer(2), "k8s_read_only_root_filesystem": .flag(true),
                "retries": .integer(5), "k8s_walltime_limit": .integer(60),
                "k8s_node_selector": .map(["pool": .text("big")]), "requests_memory": .null,
            ],
            flags: ["kubernetes.k8s_use_service_account=true"]
        )
        let texts = try settings(
            [
                "limits_cpu": .text("2"), "k8s_read_only_root_filesystem": .text("\n True "),
                "retries": .text("5"), "k8s_walltime_limit": .text("60"),
                "k8s_node_selector": .text("{pool: big}"), "docker_sudo": .text("true"),
            ],
            flags: ["kubernetes.k8s_use_service_account=Yes"]
        )
        #expect(typed.settings == texts.settings)
        #expect(texts.settings.retries == 5)
        #expect(texts.settings.kubernetes.tool.isRootReadOnly)
        #expect(texts.remarks == [])
    }

    @Test func whatIsGalaxysOwnIsSkipped() throws {
        let found = try settings([
            "docker_enabled": .flag(true), "docker_default_container_id": .text("busybox"),
            "outputs_to_working_directory": .flag(true), "tmp_dir": .text("/scratch"),
            "tpv_cores": .integer(4),
        ])
        #expect(found.settings == (try settings([:]).settings))
        #expect(found.remarks == [])
    }

    @Test func aSlipIsRemarkedAndWhatHasNoEffectIsSaid() throws {
        let found = try settings([
            "limits_memroy": .text("4Gi"), "k8s_data_volume_claim": .text("galaxy"),
        ])
        #expect(found.remarks.count == 2, "\(found.remarks)")
        #expect(
            found.remarks.contains(
                "destination k8s, parameter limits_memroy has no effect; did you mean limits_memory?"
            )
        )
        #expect(found.remarks.contains { $0.contains("k8s_data_volume_claim has no effect") })
    }

    @Test(
        arguments: [
            "s3.bucket", "s3.endpoint", "instance", "executor", "staging.jobs", "metrics.listen",
            "local.state_directory", "k8s_config_path", "k8s_namespace",
            "kubernetes.k8s_use_service_account", "k8s_galaxy_instance_id",
        ]
    )
    func whatConcernsTheHeadIsRefused(_ name: String) {
        let found = lines([name: .text("x")])
        #expect(found.count == 1)
        #expect(found[0].hasPrefix("destination k8s, parameter \(name): "), "\(found)")
        #expect(found[0].contains("holds for galaxy-head-node as a whole"), "\(found)")
    }

    @Test func allThatIsWrongIsSaidAtOnceByName() {
        let found = lines([
            "requests_cpu": .text("many"), "limits.walltime": .integer(5),
            "k8s_pull_policy": .text("Sometimes"),
        ])
        #expect(found.count == 3, "\(found)")
        for name in ["requests_cpu", "limits.walltime", "k8s_pull_policy"] {
            #expect(
                found.contains { $0.hasPrefix("destination k8s, parameter \(name): ") },
                "\(found)"
            )
        }
        let unknown = lines(["limits.waltime": .text("1h")])
        #expect(unknown.count == 1 && unknown[0].contains("did you mean limits.walltime?"))
        #expect(lines(["limits_cpu": .map(["a": .integer(1)])]).count == 1)
        #expect(lines(["image_pull_secrets": .list([.map([:])])]).count == 1)
    }

    @Test func aNameOfADestinationCannotForgeALine() {
        let destination = Destination(
            name: "k8s\n2026 error",
            parameters: ["s3.bucket": .flag(true)]
        )
        let problems = DestinationParameters(destination).problems
        #expect(problems.map(\.line).allSatisfy { !$0.contains("\n") })
    }
}
