// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import Names
import Testing

@testable import HeadNode

@Suite struct ResourceTextTests {
    @Test(arguments: [
        ("500m", 500), ("0.5", 500), ("2", 2000), ("1.5", 1500), (".25", 250), ("1m", 1),
        ("0.0001", 1), ("1.2345", 1235), ("1e1", 10_000), ("1000", 1_000_000),
    ])
    func coresAreThousandths(_ text: String, _ value: Int64) throws {
        #expect(try ResourceText.cpu(text) == value)
        #expect(
            try Quantity.roundedUp(
                Quantity.cores(value),
                inThousandths: true,
                expected: ""
            ) == value
        )
    }

    @Test(arguments: ["", "0", "-1", "1001", "two", "1 ", "0x2", "1c", "٣", "1e40", "NaN", "$(A)"])
    func otherCoresAreRefused(_ text: String) {
        let error = #expect(throws: BadValue.self) { try ResourceText.cpu(text) }
        #expect(error?.remedy == "Write cores, from 1m to 1000, such as 500m, 0.5 or 2.")
    }

    @Test(arguments: [
        ("4Gi", 4 << 30), ("4gi", 4 << 30), ("4G", 4_000_000_000), ("4g", 4_000_000_000),
        ("512M", 512_000_000), ("512m", 512_000_000), ("2048k", 2_048_000), ("2048K", 2_048_000),
        ("2048KI", 2048 << 10), ("4294967296", 4 << 30), ("3.8Gi", 4_080_218_932),
        ("1.5G", 1_500_000_000), ("1e9", 1_000_000_000), ("1Ti", 1 << 40),
    ])
    func memoryIsBytesWhateverTheCase(_ text: String, _ value: Int64) throws {
        #expect(try ResourceText.memory(text) == value)
    }

    @Test(arguments: ["", "4", "4GB", "4 Gi", "1E", "lots", "-4Gi", "4Gii", "1048575", "9Ei"])
    func otherMemoryIsRefused(_ text: String) {
        let error = #expect(throws: BadValue.self) { try ResourceText.memory(text) }
        #expect(error?.remedy == "Write a size from 1Mi to 1Pi, such as 4Gi or 4G.")
    }
}

/// The rule of Galaxy's own Kubernetes runner.
@Suite struct ToolResourcesTests {
    private func variables(
        _ requests: ToolResources.Amounts,
        _ limits: ToolResources.Amounts
    ) -> [String] {
        ToolResources(requests: requests, limits: limits).environment
            .map { "\($0.name)=\($0.value)" }
    }

    @Test func requestsCountFirstAndAreRoundedUp() {
        #expect(
            variables(
                ToolResources.Amounts(cpu: 1500, memory: 4 << 30),
                ToolResources.Amounts(cpu: 8000, memory: 8 << 30)
            ) == ["GALAXY_SLOTS=2", "GALAXY_MEMORY_MB=4294", "GALAXY_MEMORY_MB_PER_SLOT=2147"]
        )
        #expect(variables(ToolResources.Amounts(cpu: 500), .init()) == ["GALAXY_SLOTS=1"])
    }

    @Test func limitsAreRoundedDownToAtLeastOne() {
        #expect(
            variables(.init(), ToolResources.Amounts(cpu: 1900, memory: 1_999_999))
                == ["GALAXY_SLOTS=1", "GALAXY_MEMORY_MB=1", "GALAXY_MEMORY_MB_PER_SLOT=1"]
        )
        #expect(variables(.init(), ToolResources.Amounts(cpu: 500)) == ["GALAXY_SLOTS=1"])
        #expect(variables(.init(), ToolResources.Amounts(cpu: 3999)) == ["GALAXY_SLOTS=3"])
    }

    @Test func ifOneRequestIsThereNoLimitCounts() {
        #expect(
            variables(
                ToolResources.Amounts(memory: 2_000_000_000),
                ToolResources.Amounts(cpu: 4000, memory: 9_000_000_000)
            ) == ["GALAXY_MEMORY_MB=2000"]
        )
        #expect(
            variables(
                ToolResources.Amounts(ephemeralStorage: 1),
                ToolResources.Amounts(cpu: 4000)
            ) == ["GALAXY_SLOTS=4"],
            "disk is none of Galaxy's"
        )
        #expect(variables(.init(), .init()) == [])
    }
}

@Suite struct DiskDemandTests {
    private static let slack: Int64 = 128 << 20

    private func demand(
        staged: Int64 = 1 << 30,
        files: Int = 10,
        request: Int64? = nil,
        limit: Int64? = nil
    ) throws -> DiskDemand {
        var spec = try PlanSample.order().spec
        spec.inputs = []
        spec.packs = [
            PackEntry(
                key: try ObjectKey("a"),
                size: staged,
                digest: .sha256(SHA256Digest(of: [])),
                files: files
            )
        ]
        return DiskDemand(spec, allowance: 1 << 30, ownRequest: request, ownLimit: limit)
    }

    @Test func itIsWhatIsStagedAndWhatIsAllowed() throws {
        let disk = try demand()
        #expect(disk.volume == 2 << 30 + 10 * 4096 + Self.slack)
        #expect(disk.request == disk.volume + Self.slack)
        #expect(disk.limit == disk.request)
        #expect(disk.isPossible)
    }

    @Test func ownLimitsWin() throws {
        let low = try demand(limit: 1 << 30)
        #expect((low.volume, low.request, low.limit) == (1 << 30, 1 << 30, 1 << 30))
        let high = try demand(request: 1 << 40)
        #expect((high.request, high.limit) == (1 << 40, 1 << 40))
        #expect(high.volume == 2 << 30 + 10 * 4096 + Self.slack)
        let little = try demand(request: 1 << 20)
        #expect(little.request == 1 << 20)
        #expect(little.limit > 2 << 30)
    }

    @Test func whatCannotFitIsSaidWithItsNumbers() throws {
        #expect(try !demand(limit: 1 << 20).isPossible)
        var settings = try PlanSample.settings()
        settings.tool.resources.limits.ephemeralStorage = 1 << 30
        let error = #expect(throws: HeadError.self) {
            try PlanSample.plan(PlanSample.order(), settings)
        }
        #expect(
            error?.what == "The job's files do not fit into its pod: 5121 MiB in 100 files are "
                + "staged, the tool may write 10 GiB (kubernetes.output_allowance), and the pod may "
                + "use 1024 MiB"
        )
    }

    @Test func aForgedSizeOverflowsNothing() throws {
        let disk = try demand(staged: .max, files: 1 << 40)
        #expect(disk.limit > 1 << 60)
        #expect(disk.volume > 1 << 60)
    }
}
