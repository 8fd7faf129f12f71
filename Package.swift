// swift-tools-version:6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// One set of rules for every target: Swift 6, explicit existentials, members only from modules a file imports, warnings are errors.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(
    _ name: String,
    _ dependencies: [Target.Dependency],
    exclude: [String] = [],
) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies,
        exclude: exclude,
        swiftSettings: settings,
    )
}

/// Scripts/fuzz sets this: all of our Swift is made for libFuzzer then, and the head is a library.
let isFuzzing = Context.environment["FUZZ"] != nil
let fuzzing = ["-sanitize=fuzzer,address"]

func head(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    isFuzzing
        ? .target(
            name: name,
            dependencies: dependencies,
            exclude: ["HeadMain.swift"],
            swiftSettings: settings
        )
        : .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let argumentParser: Target.Dependency =
    .product(name: "ArgumentParser", package: "swift-argument-parser")

// The arrows point one way; ARCHITECTURE.md draws them and Tests/TidyTests holds them.
let package = Package(
    name: "galaxy-s3-executor",
    products: [
        .executable(name: "galaxy-worker-exec", targets: ["WorkerExec"])
    ] + (isFuzzing ? [] : [.executable(name: "galaxy-head-node", targets: ["HeadNode"])]),
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        // For kubeconfig's credential programs alone; without its traits it brings no Foundation.
        .package(
            url: "https://github.com/swiftlang/swift-subprocess",
            from: "1.0.2",
            traits: []
        ),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CCurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])],
        ),
        .systemLibrary(
            name: "CCrypto",
            pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"])],
        ),
        .systemLibrary(
            name: "CXML",
            pkgConfig: "libxml-2.0",
            providers: [.apt(["libxml2-dev"])],
        ),
        .target(name: "CBoot"),
        .target(name: "CDigests"),
        .target(name: "CLinux"),
        library("Diagnostics"),
        library("Names", ["Diagnostics"]),
        library("Digests", ["Diagnostics", "Names", "CCrypto", "CDigests"]),
        library("Transport", ["Diagnostics", "Digests", "CCurl"]),
        library("XML", ["CXML"]),
        library("S3Client", ["Diagnostics", "Names", "Digests", "Transport", "XML"]),
        library("Contract", ["Diagnostics", "Names", "Digests"]),
        library(
            "Staging",
            ["Diagnostics", "Names", "Digests", "Transport", "S3Client", "Contract", "CLinux"],
        ),
        library(
            "Kubernetes",
            [
                "Diagnostics", "Transport", .product(name: "Yams", package: "Yams"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
        ),
        .executableTarget(
            name: "WorkerExec",
            dependencies: [
                "Diagnostics", "Names", "Digests", "Transport", "S3Client", "Contract",
                "Staging", "CBoot", "CLinux", argumentParser,
            ],
            swiftSettings: settings,
        ),
        head(
            "HeadNode",
            [
                "Diagnostics", "Names", "Digests", "XML", "Transport", "S3Client", "Contract",
                "Staging", "Kubernetes", "CLinux", argumentParser,
                .product(name: "Yams", package: "Yams"),
            ],
        ),
        .target(
            name: "TestSupport",
            dependencies: ["Diagnostics", "Names", "S3Client", "Transport", "Digests"],
            path: "Tests/Support",
            swiftSettings: settings,
        ),
        .executableTarget(
            name: "PlanBenchmark",
            dependencies: ["Contract", "Names", "S3Client", "Staging", "TestSupport"],
            path: "Benchmarks/PlanBenchmark",
            swiftSettings: settings,
        ),
        tests("NamesTests", ["Names", "Diagnostics", "TestSupport"]),
        tests("DigestsTests", ["Digests", "TestSupport"]),
        tests("TransportTests", ["Transport", "Diagnostics", "Digests", "TestSupport"]),
        tests("XMLTests", ["XML", "TestSupport"]),
        tests(
            "S3ClientTests",
            ["S3Client", "Transport", "Names", "Digests", "Diagnostics", "TestSupport"],
        ),
        tests(
            "ContractTests",
            ["Contract", "Names", "Digests", "Diagnostics", "TestSupport"],
            exclude: ["Golden"],
        ),
        tests(
            "StagingTests",
            [
                "Staging", "Contract", "S3Client", "Transport", "Names", "Digests",
                "Diagnostics", "TestSupport",
            ],
        ),
        tests(
            "WorkerExecTests",
            [
                "WorkerExec", "Staging", "Contract", "S3Client", "Transport", "Names", "Digests",
                "Diagnostics", "TestSupport",
            ],
        ),
        tests(
            "KubernetesTests",
            ["Kubernetes", "Transport", "Diagnostics", "TestSupport"],
            exclude: ["Recordings"],
        ),
        tests(
            "HeadNodeTests",
            [
                "HeadNode", "Kubernetes", "Staging", "Contract", "S3Client", "Transport", "Names",
                "Digests",
                "Diagnostics", "TestSupport",
            ],
            exclude: ["Kubernetes/Golden", "Messages/Golden", "Serve/Transcripts"],
        ),
        tests(
            "ProcessTests",
            ["TestSupport", "Names", "Contract", "S3Client", "Digests", "Diagnostics"],
        ),
        tests("TidyTests", ["TestSupport"]),
    ]
)

if isFuzzing {
    package.targets.removeAll { $0.type == .test }
    package.targets += [
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "Diagnostics", "Names", "Transport", "S3Client", "Contract", "Staging",
                "Kubernetes",
                "HeadNode",
            ],
            path: "Tests/Fuzz",
            exclude: ["Seeds"],
            swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])],
            linkerSettings: [.unsafeFlags(fuzzing + ["-use-ld=lld"])],
        )
    ]
    for target in package.targets where target.swiftSettings != nil {
        target.swiftSettings?.append(.unsafeFlags(fuzzing))
    }
}

// Scripts/sanitize sets this in a copy of the tree, in which this module stands for Synchronization.
if Context.environment["WATCHED_LOCKS"] != nil {
    for target in package.targets where target.swiftSettings != nil {
        target.dependencies.append("WatchedLocks")
    }
    package.targets.append(
        .target(name: "WatchedLocks", path: "Tests/WatchedLocks", swiftSettings: settings)
    )
}
